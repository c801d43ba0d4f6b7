// Parts of tokenizer.json that we do not know, damaged files, and the flags of added tokens.
#include <gtest/gtest.h>

#include "test_folder.h"
#include "tokenizer/hostile.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::tokenizer {
namespace {

class Folder : public TestFolder {
 public:
  std::unique_ptr<Tokenizer> load() const { return load_tokenizer(path()); }
  std::unique_ptr<Tokenizer> write_and_load(const Json& tokenizer) const {
    write("tokenizer.json", tokenizer.dump());
    return load();
  }
  // "accepted" where there is none.
  std::string refusal() const {
    return unlearn::refusal([&] { load(); });
  }
};

Json gpt2() { return read_json(golden_path("gpt2/tokenizer.json")); }

// Which of the side files names the tokens that end a generation.
TEST(SideFiles, StopTokens) {
  const auto stops = [](const Json& config, const Json& generation, const std::string& eos) {
    const Folder folder;
    folder.write("tokenizer.json", gpt2().dump());
    if (!config.is_null()) folder.write("config.json", config.dump());
    if (!generation.is_null()) folder.write("generation_config.json", generation.dump());
    if (!eos.empty()) folder.write("special_tokens_map.json", Json{{"eos_token", eos}}.dump());
    return folder.load()->special().stops;
  };
  using Ids = std::vector<int32_t>;
  const Json several = {{"eos_token_id", {7, 9}}};
  EXPECT_EQ(stops(several, nullptr, ""), (Ids{7, 9}));
  EXPECT_EQ(stops({{"eos_token_id", 5}}, several, ""), (Ids{7, 9, 5}));  // 5 is its eos
  EXPECT_EQ(stops(nullptr, {{"eos_token_id", -1}}, ""), Ids{});
  const int32_t a = *Folder().write_and_load(gpt2())->token_to_id("a");
  EXPECT_EQ(stops(several, nullptr, "a"), (Ids{7, 9, a}));  // what training ends answers with
  EXPECT_EQ(stops({{"eos_token_id", a}}, nullptr, "a"), Ids{a});
}

struct Case {
  std::string pointer;
  Json value;
  std::string message;
};

void expect_refusals(const std::vector<Case>& cases) {
  const Folder folder;
  for (const Case& one : cases) {
    Json json = gpt2();
    json[Json::json_pointer(one.pointer)] = one.value;
    folder.write("tokenizer.json", json.dump());
    const std::string refusal = folder.refusal();
    EXPECT_NE(refusal.find(one.message), std::string::npos) << one.pointer << ": " << refusal;
    EXPECT_NE(refusal.find("tokenizer.json"), std::string::npos) << refusal;
    EXPECT_EQ(refusal.find('\n'), std::string::npos) << refusal;
  }
}

TEST(TokenizerParts, UnknownPartsAreRefusedByName) {
  const Json split = {{"type", "Split"},
                      {"pattern", {{"Regex", "a"}}},
                      {"behavior", "Sideways"},
                      {"invert", false}};
  expect_refusals({
      {"/model/type", "WordPiece", "WordPiece"},
      {"/normalizer", {{"type", "BertNormalizer"}}, "BertNormalizer"},
      {"/normalizer", {{"type", "NFC"}, {"strength", 2}}, "strength"},
      {"/pre_tokenizer", {{"type", "UnicodeScripts"}}, "UnicodeScripts"},
      {"/pre_tokenizer", split, "Sideways"},
      {"/decoder", {{"type", "CTC"}}, "CTC"},
      {"/post_processor", {{"type", "Mirror"}}, "Mirror"},
      {"/model/dropout", 0.1, "dropout"},
      {"/model/temperature", 1, "temperature"},
      {"/tensor", 1, "tensor"},
  });
}

TEST(TokenizerParts, PartsInsideSequencesAreRefusedToo) {
  const Json inner = Json::array({{{"type", "NFC"}}, {{"type", "Nmt"}}});
  expect_refusals({
      {"/normalizer", {{"type", "Sequence"}, {"normalizers", inner}}, "Nmt"},
  });
}

// Each of these doubles a text: forty would make a terabyte of one character.
TEST(TokenizerParts, PartsThatGrowATextBeyondMeasureAreStopped) {
  const auto doubled = [](const Json& pattern, const std::string& content) {
    return Json(
        std::vector<Json>(40, {{"type", "Replace"}, {"pattern", pattern}, {"content", content}}));
  };
  const auto stopped = [](const Json& tokenizer, const auto& use) {
    const Folder folder;
    folder.write("tokenizer.json", tokenizer.dump());
    const auto loaded = folder.load();
    return unlearn::refusal([&] { use(*loaded); });
  };
  const auto encode = [](const Tokenizer& tokenizer) { tokenizer.encode("aaaa", false); };
  const auto decode = [](const Tokenizer& tokenizer) {
    tokenizer.decode(std::vector<int32_t>(4, *tokenizer.token_to_id("a")), false);
  };
  const std::string reason = "more than 64 times as much is refused";
  Json tokenizer = gpt2();
  tokenizer["normalizer"] = {{"type", "Sequence"},
                             {"normalizers", doubled({{"String", "a"}}, "aa")}};
  EXPECT_NE(stopped(tokenizer, encode).find(reason), std::string::npos);
  tokenizer["normalizer"]["normalizers"] = doubled({{"Regex", "a"}}, "aa");
  EXPECT_NE(stopped(tokenizer, encode).find(reason), std::string::npos);
  tokenizer["normalizer"] = {
      {"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(100000, 'b')}};
  EXPECT_NE(stopped(tokenizer, encode).find(reason), std::string::npos);
  tokenizer["normalizer"]["content"] = std::string(10, 'b');
  EXPECT_EQ(stopped(tokenizer, encode), "accepted");
  tokenizer = gpt2();
  tokenizer["decoder"] = {{"type", "Sequence"}, {"decoders", doubled({{"String", "a"}}, "aa")}};
  EXPECT_NE(stopped(tokenizer, decode).find(reason), std::string::npos);
}

TEST(TokenizerParts, WrongContentsAreNamed) {
  expect_refusals({
      {"/model/vocab/zz", -1, "zz"},
      {"/model/vocab/zz", "five", "zz"},
      {"/model/vocab/zz", 0, "0"},
      {"/model/merges/0", "a", "merge 0"},
      {"/model/merges/0", "a b c", "merge 0"},
      {"/model/merges/0", "no-such token", "no-such"},
      {"/model/merges", 3, "merges"},
      {"/added_tokens", {{{"id", 1}, {"special", true}}}, "content"},
  });
}

TEST(TokenizerParts, DamagedFiles) {
  const Folder folder;
  EXPECT_NE(folder.refusal().find("no tokenizer.json, no tokenizer.model, and no vocab.json"),
            std::string::npos);
  folder.write("tokenizer.model", "not a model");
  EXPECT_NE(folder.refusal().find("tokenizer.model"), std::string::npos);
  folder.write("tokenizer.model", "");
  EXPECT_NE(folder.refusal().find("tokenizer.model"), std::string::npos);
  const std::string whole = read_file(golden_path("gpt2/tokenizer.json"));
  for (const size_t size : {size_t{0}, size_t{1}, whole.size() / 2, whole.size() - 3}) {
    folder.write("tokenizer.json", whole.substr(0, size));
    EXPECT_NE(folder.refusal().find("tokenizer.json"), std::string::npos) << size;
  }
  folder.write("tokenizer.json", "[1, 2]");
  EXPECT_NE(folder.refusal().find("must be a JSON object"), std::string::npos);
}

TEST(TokenizerParts, TruncatedSentencePieceModel) {
  const Folder folder;
  const std::string whole = read_file(golden_path("sp_llama2/tokenizer.model"));
  folder.write("tokenizer.model", whole);
  EXPECT_EQ(folder.load()->kind(), "SentencePiece");
  folder.write("tokenizer.model", whole.substr(0, whole.size() / 3));
  EXPECT_NE(folder.refusal().find("not a SentencePiece model"), std::string::npos);
}

TEST(TokenizerParts, TextThatIsNotUtf8IsRefused) {
  for (const char* name : {"gpt2", "sp_llama2"}) {
    const auto tokenizer = load_tokenizer(golden_path(name));
    for (const char* text : {"\xFF", "a\xC3", "\xED\xA0\x80", "\xC0\x80"}) {
      EXPECT_THROW(tokenizer->encode(text, false), UserError) << name;
    }
  }
}

// The text of every id, found again: the two directions agree.
TEST(TokenizerParts, IdsAndTokensAgree) {
  for (const char* name : {"gpt2", "llama3", "gpt_neox", "sp_llama2"}) {
    const auto tokenizer = load_tokenizer(golden_path(name));
    for (int32_t id = 0; id < tokenizer->vocab_size(); ++id) {
      EXPECT_EQ(tokenizer->token_to_id(tokenizer->id_to_token(id)), id) << name;
    }
    EXPECT_THROW(tokenizer->id_to_token(static_cast<int32_t>(tokenizer->vocab_size())), UserError);
    EXPECT_THROW(tokenizer->id_to_token(-1), UserError);
    EXPECT_FALSE(tokenizer->token_to_id("no such token"));
  }
}

TEST(TokenizerParts, SpecialIdsComeFromTheSideFiles) {
  const Folder folder;
  folder.write("tokenizer.json", gpt2().dump());
  EXPECT_FALSE(folder.load()->special().eos);
  folder.write("config.json", R"({"bos_token_id": 3, "eos_token_id": [7, 8], "pad_token_id": -1})");
  EXPECT_EQ(folder.load()->special().bos, 3);
  EXPECT_EQ(folder.load()->special().eos, 7);
  EXPECT_FALSE(folder.load()->special().pad);
  folder.write("tokenizer_config.json", R"({"eos_token": "<|endoftext|>"})");
  EXPECT_EQ(folder.load()->special().eos, folder.load()->token_to_id("<|endoftext|>"));
}

TEST(TokenizerParts, CleanUpOfSpaces) {  // transformers' clean_up_tokenization
  EXPECT_EQ(clean_up_spaces("He did n't , I 'm ; it 's . We 've ! They 're ?"),
            "He didn't, I'm ; it's. We've! They're?");
}

}  // namespace
}  // namespace unlearn::tokenizer
