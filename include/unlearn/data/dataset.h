// Data sets: rows checked at the door, rendered by a template, tokenised into examples.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/config/fields.h"
#include "unlearn/core/json.h"
#include "unlearn/data/example.h"
#include "unlearn/data/turn.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::data {

// What a chat template does to the questions and answers themselves.
enum class Trim {
  kNone,
  kBothEnds,         // `| trim` of Llama-3's and Gemma's: both, as Python's str.strip()
  kAnswersNewlines,  // Qwen3's: new lines before an answer
};

class ChatTemplate;

// The text around a question and its answer:
// question_start + question + question_end + answer_tag + answer.
struct Template {
  std::string name;  // "phi", "llama2", …, "custom", "none"
  std::string question_start;
  std::string question_end;
  std::string answer_tag;
  // true: tokenised, masked and ended as the chat templates of open-unlearning do (answer_tag is
  // masked); false: the TOFU repository's rule (only question_start+question+question_end masked).
  bool mask_answer_tag = false;
  std::string answer_end = "";  // closes the assistant's turn before EOS ("<|im_end|>\n")
  // false: a BOS that the tokenizer would put before the text is left out, as the chat template of
  // the family has none (zephyr).
  bool add_special = true;
  Trim trim = Trim::kNone;
  // The model folder's own chat template, which then makes the whole text; null: the parts above.
  std::shared_ptr<const ChatTemplate> chat = nullptr;

  // The text up to the answer; `tag`: with answer_tag.
  std::string prompt(const std::string& question, bool tag) const;
  // The answer as it stands in the rendered text, without answer_end.
  std::string rendered_answer(const std::string& answer) const;
  // The whole text.
  std::string conversation(const std::string& question, const std::string& answer) const;
  // The template that puts these turns in front of the question. UserError where there are some and
  // this is no chat template of a model folder, which alone has a place for them.
  Template after(const std::vector<Turn>& earlier) const;
};

// A template by name; UserError lists the names.
Template named_template(const std::string& name);
std::vector<std::string> template_names();
// One's own template from a map {question_start, question_end, answer_tag}; UserError for other
// keys.
Template template_from_json(const Json& map);

// One question-answer row of a file.
struct QaRow {
  std::string question;
  std::string answer;
  int64_t row = 0;
  std::vector<Turn> earlier = {};             // before the question
  std::vector<std::string> paraphrases = {};  // of the question, the user's own
};

// Reads the rows of a file (row_file.h); `question_key`/`answer_key` name the two text fields.
// Where they are "question" and "answer" and a row has no such field, prompt and completion (or
// response, answer), instruction with input and output, or messages are taken (qa_fields.h).
// UserError "<file>: row <n>: …" for a missing, empty or non-text field; for an empty file.
std::vector<QaRow> read_qa_rows(const std::filesystem::path& file,
                                const std::string& question_key = "question",
                                const std::string& answer_key = "answer");

// A row's example with another answer or its own, and its prompt, behind its earlier turns.
Example make_row_example(const tokenizer::Tokenizer& tok, const Template& tmpl, const QaRow& row,
                         const std::string& answer, int64_t max_length);
std::vector<int32_t> make_row_prompt(const tokenizer::Tokenizer& tok, const Template& tmpl,
                                     const QaRow& row, const std::string& question);

// Tokenises one pair by the TOFU rule: BOS as the tokenizer adds it, question masked, EOS appended
// as the last target when the text is shorter than max_length (locuslab/tofu, data_module.py).
// UserError when no label remains.
Example make_qa_example(const tokenizer::Tokenizer& tok, const Template& tmpl,
                        const std::string& question, const std::string& answer, int64_t max_length);

// Tokens of the prompt alone, ready for generation.
std::vector<int32_t> make_qa_prompt(const tokenizer::Tokenizer& tok, const Template& tmpl,
                                    const std::string& question);

// Every token but the first is a label; cut at max_length (0: no limit).
Example make_text_example(const tokenizer::Tokenizer& tok, const std::string& text,
                          int64_t max_length);

// A long text as chunks of max_length tokens, every token a label (swj0419/muse_bench,
// baselines/dataset.py): BOS before each, the last one filled up from the first.
std::vector<Example> chunk_text(const tokenizer::Tokenizer& tok, const std::string& text,
                                int64_t max_length);

// OpenUnlearning's chunks of a long text (src/data/pretraining.py and utils.py): windows of
// max_length ids, each decoded and tokenised again with special tokens, cut after max_length tokens
// behind the first; the first is no label. Its empty last piece (where max_length divides the
// length) has no label and is left out.
std::vector<Example> rechunk_text(const tokenizer::Tokenizer& tok, const std::string& text,
                                  int64_t max_length);

// Which of `count` refusal lines a forget row gets (Unlearn-Simple, TOFU/dataloader.py).
int64_t refusal_line(int64_t forget_row, int64_t count);

// What the `data:` section says beside the benchmark.
struct DataConfig {
  std::string root;                 // folder of the benchmark's files
  std::string forget = "forget01";  // split name or file (muse: "news", "news/scal/forget_2")
  std::string retain = "auto";      // split name, file, "auto" (by benchmark), "none"
  std::string train = "full";       // finetune: split name or file
  std::string alternate = "auto";   // refusal lines: file, or "auto" (<root>/idontknow.jsonl)
  int64_t max_length = 500;
  std::string chunking = "published";  // published | ou (muse, wmdp)
  bool allow_overlap = false;          // forget rows may be retain rows too
  bool drop_overlap = false;           // … and are taken out of the retain set
  double hold_out = 0;                 // share of the retain rows that is never trained on
  std::string pairing = "auto";        // fixed | random | cyclic | by_row | auto (by benchmark)
  std::string question_key = "question";
  std::string answer_key = "answer";
  std::string alternate_key = "alternate";
  std::string text_key = "text";
  std::string forget_keys, retain_keys;  // "question,answer" of these files; "": the keys above
  void visit(config::FieldVisitor& visitor);
};

// Which splits a run needs.
struct SplitRequest {
  bool forget = false, retain = false, alternate = false, train = false;
  // The alternates are the forget rows' own (alternate_key) instead of refusals. A forget row with
  // k of them becomes k examples, so that alternate i goes with forget example i.
  bool own_alternate = false;
};

struct Split {
  std::filesystem::path file;
  std::vector<Example> examples;
  bool is_chunked = false;  // Example::row counts chunks of the file
  // The file's row that each chunk comes from; empty where the whole file is one text.
  std::vector<int64_t> rows_of_chunks = {};
};

struct Layout;

struct Splits {
  std::optional<Split> forget, retain, alternate, train;
  std::optional<Split> held_out;  // retain rows that are never trained on (data.hold_out)
};

// The section as it reads the file of `what` ("forget", "retain", …): its own keys are the keys.
DataConfig keys_of(const DataConfig& config, const std::string& what);

// Opens, checks and tokenises what is asked for. Token ids must be below vocab_size (the
// embedding's rows): UserError "tokenizer/embedding mismatch" otherwise. Forget examples that are
// retain examples too are refused unless data.allow_overlap or data.drop_overlap. Parallel over
// rows.
Splits load_splits(const DataConfig& config, const Layout& layout, const SplitRequest& request,
                   const tokenizer::Tokenizer& tok, const Template& tmpl, int64_t vocab_size);

}  // namespace unlearn::data
