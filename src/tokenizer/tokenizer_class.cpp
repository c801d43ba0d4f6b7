#include "tokenizer/tokenizer_class.h"

#include <algorithm>
#include <map>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"

namespace unlearn::tokenizer {
namespace {

constexpr const char* kMark = "\xE2\x96\x81";        // ▁
constexpr const char* kByteLevelSpace = "\xC4\xA0";  // Ġ

// models/qwen2/tokenization_qwen2.py: GPT-4's split with single digits.
constexpr const char* kQwen2Split =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

std::string without_fast(std::string name) {
  if (name.ends_with("Fast") && name != "PreTrainedTokenizerFast") name.resize(name.size() - 4);
  return name;
}

// Classes of transformers 5 that rebuild a BPE tokenizer and are not known here.
constexpr const char* kUnknownBuilders[] = {
    "BartTokenizer",    "CLIPTokenizer",    "CodeLlamaTokenizer",
    "CohereTokenizer",  "HerbertTokenizer", "OpenAIGPTTokenizer",
    "Qwen3_5Tokenizer", "RobertaTokenizer", "WhisperTokenizer"};

BuiltClass class_named(const std::string& name) {
  static const std::map<std::string, BuiltClass> kClasses = {
      {"GPT2Tokenizer", BuiltClass::kGpt2},       {"CodeGenTokenizer", BuiltClass::kGpt2},
      {"GPTNeoXTokenizer", BuiltClass::kGptNeox}, {"Qwen2Tokenizer", BuiltClass::kQwen2},
      {"LlamaTokenizer", BuiltClass::kLlama},     {"GemmaTokenizer", BuiltClass::kGemma}};
  const auto found = kClasses.find(without_fast(name));
  if (found != kClasses.end()) return found->second;
  const std::string plain = without_fast(name);
  if (std::find(std::begin(kUnknownBuilders), std::end(kUnknownBuilders), plain) !=
      std::end(kUnknownBuilders)) {
    log::warn("tokenizer_class ", name, ": tokenizer.json is read as it is; transformers 5 would ",
              "build this class's own splits, which may give other ids");
  }
  return BuiltClass::kNone;
}

struct Registered {
  const char* tokenizer_class;  // empty: TokenizersBackend, which reads tokenizer.json as it is
  bool overrules = false;       // the class in tokenizer_config.json is known to be wrong
};

// TOKENIZER_MAPPING_NAMES and MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS, the decoders of text.
const Registered* registered(const std::string& model_type) {
  static const std::map<std::string, Registered> kModels = {{"codegen", {"GPT2Tokenizer"}},
                                                            {"gemma", {"GemmaTokenizer"}},
                                                            {"gemma2", {"GemmaTokenizer"}},
                                                            {"gemma3", {"GemmaTokenizer"}},
                                                            {"gemma3_text", {"GemmaTokenizer"}},
                                                            {"gpt2", {"GPT2Tokenizer"}},
                                                            {"gpt_neo", {"GPT2Tokenizer"}},
                                                            {"gpt_neox", {"GPTNeoXTokenizer"}},
                                                            {"gptj", {"GPT2Tokenizer"}},
                                                            {"mistral", {""}},
                                                            {"mixtral", {""}},
                                                            {"olmo", {"GPTNeoXTokenizer"}},
                                                            {"olmo2", {""}},
                                                            {"opt", {"GPT2Tokenizer"}},
                                                            {"phi", {"GPT2Tokenizer"}},
                                                            {"phi3", {"", true}},
                                                            {"qwen2", {"Qwen2Tokenizer", true}},
                                                            {"qwen3", {"Qwen2Tokenizer"}},
                                                            {"stablelm", {""}},
                                                            {"starcoder2", {"GPT2Tokenizer"}}};
  const auto found = kModels.find(model_type);
  return found == kModels.end() ? nullptr : &found->second;
}

Json byte_level(bool add_prefix_space, bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json sequence(const char* key, Json parts) {
  return {{"type", "Sequence"}, {key, std::move(parts)}};
}

Json mark_decoder(bool strip) {
  Json parts =
      Json::array({{{"type", "Replace"}, {"pattern", {{"String", kMark}}}, {"content", " "}},
                   {{"type", "ByteFallback"}},
                   {{"type", "Fuse"}}});
  if (strip) parts.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return sequence("decoders", std::move(parts));
}

void build_gpt2(const SideFiles& files, Json& out) {
  out["pre_tokenizer"] = byte_level(files.add_prefix_space.value_or(false), true);
}

void build_gpt_neox(const SideFiles& files, Json& out) {
  build_gpt2(files, out);
  out["normalizer"] = {{"type", "NFC"}};
}

void build_qwen2(const SideFiles& files, Json& out) {
  out["normalizer"] = {{"type", "NFC"}};
  const Json split = {{"type", "Split"},
                      {"pattern", {{"Regex", kQwen2Split}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  out["pre_tokenizer"] =
      sequence("pretokenizers",
               Json::array({split, byte_level(files.add_prefix_space.value_or(false), false)}));
}

void build_llama(const SideFiles& files, Json& out) {
  const bool prefix = files.add_prefix_space.value_or(true);
  const char* scheme = files.legacy.value_or(false) ? "always" : "first";
  out["pre_tokenizer"] = {{"type", "Metaspace"},
                          {"replacement", kMark},
                          {"prepend_scheme", prefix ? scheme : "never"},
                          {"split", false}};
  out["decoder"] = mark_decoder(prefix);
  out["model"]["fuse_unk"] = true;
  out["model"]["byte_fallback"] = true;
}

void build_gemma(const SideFiles& files, Json& out) {
  out["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kMark}};
  out["pre_tokenizer"] = {{"type", "Split"},
                          {"pattern", {{"String", " "}}},
                          {"behavior", "MergedWithPrevious"},
                          {"invert", false}};
  out["decoder"] = mark_decoder(false);
  out["model"]["fuse_unk"] = true;
  out["model"]["byte_fallback"] = true;
  // Python's str(None), as the class writes it.
  const AddedToken* unknown = files.find("unk_token");
  out["model"]["unk_token"] = unknown == nullptr ? "None" : unknown->content;
}

// A part of the pipeline without what makes no ids.
Json essence(const Json& part) {
  if (part.is_array()) {
    Json out = Json::array();
    for (const Json& item : part) out.push_back(essence(item));
    return out;
  }
  if (!part.is_object()) return part;
  Json out = Json::object();
  for (const auto& [key, value] : part.items()) {
    if (key == "trim_offsets" || value.is_null()) continue;
    out[key] = essence(value);
  }
  if (out.value("type", "") == "ByteLevel" && !out.contains("use_regex")) out["use_regex"] = true;
  for (const char* list : {"normalizers", "pretokenizers"}) {
    if (!out.contains(list) || !out[list].is_array()) continue;
    if (out[list].empty()) return {};
    if (out[list].size() == 1) return out[list][0];
  }
  return out;
}

Json part_of(const Json& tokenizer, const char* key) {
  const auto found = tokenizer.find(key);
  return found == tokenizer.end() ? Json() : essence(*found);
}

}  // namespace

BuiltClass class_of(const SideFiles& files) {
  const std::string& own =
      files.tokenizer_class.empty() ? files.model_tokenizer_class : files.tokenizer_class;
  const Registered* model = registered(files.model_type);
  if (own.empty())
    return model == nullptr ? BuiltClass::kNone : class_named(model->tokenizer_class);
  if (model == nullptr || without_fast(own) == model->tokenizer_class) return class_named(own);
  const std::string expected = model->tokenizer_class;
  if (expected.empty()) return BuiltClass::kNone;
  return class_named(model->overrules ? expected : own);
}

BuiltClass class_of_transformers4(const SideFiles& files) {
  const std::string& own =
      files.tokenizer_class.empty() ? files.model_tokenizer_class : files.tokenizer_class;
  if (!own.empty()) return class_named(own);
  const std::string& type = files.model_type;
  for (const char* llama : {"llama", "mistral", "mixtral", "phi3"}) {
    if (type == llama) return BuiltClass::kLlama;
  }
  if (type == "olmo2" || type == "stablelm") return BuiltClass::kGptNeox;
  const Registered* model = registered(type);
  return model == nullptr ? BuiltClass::kNone : class_named(model->tokenizer_class);
}

std::string class_name(BuiltClass which) {
  switch (which) {
    case BuiltClass::kNone:
      return "PreTrainedTokenizerFast";
    case BuiltClass::kGpt2:
      return "GPT2Tokenizer";
    case BuiltClass::kGptNeox:
      return "GPTNeoXTokenizer";
    case BuiltClass::kQwen2:
      return "Qwen2Tokenizer";
    case BuiltClass::kLlama:
      return "LlamaTokenizer";
    case BuiltClass::kGemma:
      return "GemmaTokenizer";
  }
  UNLEARN_CHECK(false, "unknown tokenizer class");
}

void add_default_roles(BuiltClass which, Rules rules, SideFiles& files) {
  using Roles = std::vector<std::pair<const char*, const char*>>;
  static const char* const kEnd = "<|endoftext|>";
  static const std::map<BuiltClass, Roles> kRoles = {
      {BuiltClass::kNone, {}},
      {BuiltClass::kGpt2, {{"bos_token", kEnd}, {"eos_token", kEnd}, {"unk_token", kEnd}}},
      {BuiltClass::kGptNeox,
       {{"bos_token", kEnd},
        {"eos_token", kEnd},
        {"unk_token", kEnd},
        {"pad_token", "<|padding|>"}}},
      {BuiltClass::kQwen2, {{"eos_token", kEnd}, {"unk_token", kEnd}, {"pad_token", kEnd}}},
      {BuiltClass::kLlama, {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}}},
      {BuiltClass::kGemma,
       {{"bos_token", "<bos>"},
        {"eos_token", "<eos>"},
        {"unk_token", "<unk>"},
        {"pad_token", "<pad>"},
        {"mask_token", "<mask>"}}},
  };
  for (const auto& [name, content] : kRoles.at(which)) {
    const bool new_in_5 =
        std::string_view(content) == "<|padding|>" || std::string_view(name) == "mask_token";
    if (rules == Rules::kTransformers4 && new_in_5) continue;
    AddedToken token;
    token.content = content;
    token.special = true;
    files.set(name, token);
  }
}

Json as_class_builds(BuiltClass which, const SideFiles& files, Json tokenizer) {
  using Builder = void (*)(const SideFiles&, Json&);
  static const std::map<BuiltClass, Builder> kBuilders = {{BuiltClass::kGpt2, build_gpt2},
                                                          {BuiltClass::kGptNeox, build_gpt_neox},
                                                          {BuiltClass::kQwen2, build_qwen2},
                                                          {BuiltClass::kLlama, build_llama},
                                                          {BuiltClass::kGemma, build_gemma}};
  if (which == BuiltClass::kNone) return tokenizer;
  Json model = {{"type", "BPE"},
                {"vocab", std::move(tokenizer["model"]["vocab"])},
                {"merges", std::move(tokenizer["model"]["merges"])}};
  tokenizer["model"] = std::move(model);
  tokenizer["normalizer"] = nullptr;
  tokenizer["decoder"] = byte_level(true, true);
  if (which == BuiltClass::kGptNeox) tokenizer["post_processor"] = nullptr;
  kBuilders.at(which)(files, tokenizer);
  return tokenizer;
}

bool spells_spaces(BuiltClass which, const Json& tokenizer) {
  if (which == BuiltClass::kNone) return true;
  const bool marks = which == BuiltClass::kLlama || which == BuiltClass::kGemma;
  const std::string space = marks ? kMark : kByteLevelSpace;
  const auto model = tokenizer.find("model");
  if (model == tokenizer.end() || !model->is_object()) return false;
  const auto vocabulary = model->find("vocab");
  return vocabulary != model->end() && vocabulary->is_object() && vocabulary->contains(space);
}

bool other_pipeline(const Json& one, const Json& other) {
  for (const char* part : {"normalizer", "pre_tokenizer"}) {
    if (part_of(one, part) != part_of(other, part)) return true;
  }
  return false;
}

}  // namespace unlearn::tokenizer
