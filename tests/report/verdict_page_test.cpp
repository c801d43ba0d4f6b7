#include "unlearn/report/verdict_page.h"

#include <gtest/gtest.h>

#include "unlearn/core/error.h"

namespace unlearn::report {
namespace {

Json whole_verdict() {
  return parse_json(R"({
    "verdict": "Not forgotten: 1 of 2 rows <b>is</b> gone", "reached": false, "damage_ok": true,
    "forget": {"auc_before": 1.0, "auc_after": 0.75, "target": 0.55, "extracted_before": 2,
               "extracted_after": 1, "mean_logprob_before": -0.1, "mean_logprob_after": -1.5,
               "auc_interval_after": [0.25, 1.0], "mean_logprob_base": null,
               "leak_at_k": [{"k": 1, "leak": 0.125}, {"k": 4, "leak": 0.5}],
               "leak_at_k_before": [{"k": 1, "leak": 0.875}]},
    "retain": {"seen": {"rows": 8, "mean_logprob_before": -0.2, "mean_logprob_after": -0.21},
               "held_out": {"rows": 2, "mean_logprob_before": -0.2, "mean_logprob_after": -0.25,
                            "fall": 0.05, "fall_interval": [0.01, 0.09]},
               "neighbours": {"rows": 0, "mean_logprob_before": null, "mean_logprob_after": null},
               "max_damage": 0.1},
    "cross_leaks": 1, "over_unlearned": false,
    "membership": {"mia_loss": {"before": null, "after": {"auc": 0.4, "interval": [0.1, 0.7]},
                                "reading": "unknown"}},
    "fluency": {"forget_before": null, "forget_after": {"outputs": 2, "empty": 1, "broken": 1,
                "alike": 1, "refusals": 0, "distinct_2": 0.9}, "retain_after": null},
    "rows": [{"row": 0, "question": "Where <i>is</i> she?", "answer": "In Tornby & Hollin",
              "logprob_before": -0.1, "logprob_after": null, "output_before": "In Tornby",
              "output_after": "account 8830-1175", "extracted_before": true,
              "extracted_after": false, "pieces": [],
              "preference_before": {"auc": 1.0}, "preference_after": null,
              "leaks": [{"piece": "8830-1175", "of_row": 7, "of_set": "retain"}],
              "other_prompts": [{"rule": "polite", "prompt": "Please?", "given": "",
                                 "output": "Tornby it is", "extracted": true,
                                 "pieces": ["Tornby"], "leaks": []}]},
             {"row": 1, "question": "q1", "answer": "a1", "logprob_before": -0.1,
              "logprob_after": -3.0, "output_before": "a1", "output_after": "",
              "extracted_before": true, "extracted_after": false, "pieces": [], "leaks": []}],
    "not_concluded": ["Only two rows."], "settings": {"method.name": "simnpo"},
    "sha256": {"model": "abc123"}, "template": "llama2", "date": "2026-01-02",
    "machine": "a box"})",
                    "here");
}

bool verdict_has(const std::string& page, const std::string& part) {
  return page.find(part) != std::string::npos;
}

TEST(VerdictPage, SentenceFirstThenTheRows) {
  const std::string page = verdict_page(whole_verdict());
  const auto at = [&](const char* part) {
    const size_t found = page.find(part);
    EXPECT_NE(found, std::string::npos) << part;
    return found;
  };
  EXPECT_LT(at("Not forgotten: 1 of 2 rows &lt;b&gt;is&lt;/b&gt; gone"), at("<table>"));
  EXPECT_LT(at("class=\"verdict bad\""), at("Where &lt;i&gt;is&lt;/i&gt; she?"));
  EXPECT_LT(at("In Tornby &amp; Hollin"), at("What was measured"));
  EXPECT_LT(at("What was measured"), at("What cannot be concluded"));
  EXPECT_LT(at("Only two rows."), at("Asked in other words"));
  EXPECT_LT(at("Asked in other words"), at("Where this comes from"));
  for (const char* part :
       {"8830-1175 (retain row 7)", "Tornby it is", "abc123", "2026-01-02", "a box", "llama2",
        "simnpo", "0.250 to 1.000", "not measured", "leak@4 of samples", "fall 0.010 to 0.090"}) {
    EXPECT_TRUE(verdict_has(page, part)) << part;
  }
}

TEST(VerdictPage, OneFileWithoutNetwork) {
  const std::string page = verdict_page(whole_verdict());
  for (const char* part : {"src=", "href=", "@import", "url(", "<link"}) {
    EXPECT_FALSE(verdict_has(page, part)) << part;
  }
  EXPECT_TRUE(verdict_has(page, "Content-Security-Policy\" content=\"default-src 'none'"));
}

// A row says what is left of it, also what came out under other words.
TEST(VerdictPage, EveryRowHasAState) {
  const std::string page = verdict_page(whole_verdict());
  EXPECT_TRUE(verdict_has(page, ">extracted in other words, other rows' data</td>"));
  EXPECT_TRUE(verdict_has(page, ">not measured</td>"));
}

// Of very many rows the worst are shown, and the page says where the others are.
TEST(VerdictPage, ALargePageIsCutAndSaysSo) {
  Json verdict = whole_verdict();
  const Json gone = verdict["rows"][1];
  for (int i = 2; i < 1000; ++i) {
    verdict["rows"].push_back(gone);
    verdict["rows"].back()["row"] = i;
  }
  verdict["rows"].back()["output_after"] = "the last one says it";
  verdict["rows"].back()["extracted_after"] = true;
  const std::string page = verdict_page(verdict);
  EXPECT_TRUE(verdict_has(page, "The 200 worst of 1000 rows are shown; verdict.json"));
  EXPECT_TRUE(verdict_has(page, "the last one says it"));
  EXPECT_LT(page.size(), size_t{1} << 20);
}

TEST(VerdictPage, TheStateColoursTheSentence) {
  Json verdict = whole_verdict();
  verdict["reached"] = true;
  EXPECT_TRUE(verdict_has(verdict_page(verdict), "class=\"verdict good\""));
  verdict["damage_ok"] = nullptr;
  EXPECT_TRUE(verdict_has(verdict_page(verdict), "class=\"verdict open\""));
  verdict["damage_ok"] = false;
  EXPECT_TRUE(verdict_has(verdict_page(verdict), "class=\"verdict bad\""));
}

TEST(VerdictPage, TheFixedKeysAreEnoughAndNeeded) {
  const Json least = {{"verdict", "ok"}, {"rows", Json::array()}};
  EXPECT_TRUE(verdict_has(verdict_page(least), "not measured"));
  EXPECT_THROW(verdict_page(Json::array()), UserError);
  EXPECT_THROW(verdict_page({{"verdict", "ok"}}), UserError);
  EXPECT_THROW(verdict_page({{"verdict", 3}, {"rows", Json::array()}}), UserError);
}

}  // namespace
}  // namespace unlearn::report
