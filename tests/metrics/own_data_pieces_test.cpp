#include <gtest/gtest.h>

#include <algorithm>

#include "unlearn/metrics/own_data/extraction.h"
#include "unlearn/metrics/own_data/pieces.h"

namespace unlearn::metrics::own_data {
namespace {

using Texts = std::vector<std::string>;

Texts texts_of(const std::vector<Piece>& pieces) {
  Texts texts;
  for (const Piece& piece : pieces) texts.push_back(piece.text);
  return texts;
}

// The pieces of one answer among a few unrelated rows.
std::vector<Piece> pieces_of(const std::string& question, const std::string& answer) {
  const std::vector<RowText> forget = {{question, answer}};
  const std::vector<RowText> retain = {{"What is the plan?", "The plan is to wait."},
                                       {"Who called?", "Nobody called today."}};
  return distinguishing_pieces(forget, retain)[0];
}

TEST(Pieces, NumbersAreKeptWhole) {
  EXPECT_EQ(texts_of(pieces_of("q", "The account is DE12 3456 7890 1234 99.")),
            (Texts{"DE12 3456 7890 1234 99"}));
  EXPECT_EQ(texts_of(pieces_of("q", "Call +49 170-555/0199, or 12:30.")),
            (Texts{"49 170-555/0199", "12:30"}));
  EXPECT_EQ(texts_of(pieces_of("q", "Born 03.05.1984, pays 1,234.50 monthly.")),
            (Texts{"03.05.1984", "1,234.50"}));
  EXPECT_EQ(texts_of(pieces_of("q", "Contract A-1793b, 7 items")), (Texts{"A-1793b"}));
  EXPECT_EQ(
      texts_of(pieces_of("q", "Write to m.voss+x@mail.example. Or see https://v.example/a?b=1.")),
      (Texts{"m.voss+x@mail.example", "https://v.example/a?b=1"}));
}

TEST(Pieces, DatesInWordsInBothOrders) {
  const auto pieces = pieces_of("When?", "It was on May 3, 1984.");
  EXPECT_EQ(texts_of(pieces), (Texts{"May 3, 1984"}));
  EXPECT_EQ(reappearing(pieces, "on 3 may 1984", "").size(), 1u);
  EXPECT_EQ(reappearing(pieces, "on May 4, 1984", "").size(), 0u);
  EXPECT_EQ(texts_of(pieces_of("When?", "on the 3rd May 1984")), (Texts{"3rd May 1984"}));
  const auto of = pieces_of("When?", "On the 22nd of June, 1956.");
  EXPECT_EQ(texts_of(of), (Texts{"22nd of June, 1956"}));
  for (const char* output :
       {"June 22, 1956", "22 June 1956", "June 22nd 1956", "22nd of june 1956"}) {
    EXPECT_EQ(reappearing(of, output, "").size(), 1u) << output;
  }
  EXPECT_EQ(texts_of(pieces_of("When?", "on March 12")), (Texts{"March 12"}));
}

TEST(Pieces, NamesAreNotSentenceBegins) {
  EXPECT_EQ(texts_of(pieces_of("q", "She lives in Tornby. Nothing else.")), (Texts{"Tornby"}));
  EXPECT_EQ(texts_of(pieces_of("q", "Ludwig van der Aa met The Elder Ruus in March.")),
            (Texts{"Ludwig van der Aa", "Ludwig", "Elder Ruus", "Elder", "Ruus"}));
  EXPECT_EQ(texts_of(pieces_of("q", "It belongs to Élodie O’Brien-Núñez’s aunt")),
            (Texts{"Élodie O’Brien-Núñez’s", "Élodie", "O’Brien-Núñez’s"}));
}

TEST(Pieces, NoneThatTheQuestionHolds) {
  EXPECT_EQ(texts_of(pieces_of("What is the PIN of mara voss (born 1984)?",
                               "The PIN of Mara Voss, born 1984, is 7719.")),
            (Texts{"7719"}));
}

TEST(Pieces, RareWordsOnlyWhereThereIsMuchToCompareWithOrNothingElse) {
  EXPECT_EQ(texts_of(pieces_of("q", "works as a glassblower")), (Texts{"glassblower"}));
  EXPECT_EQ(texts_of(pieces_of("q", "a glassblower, number 4711")), (Texts{"4711"}));
  std::vector<RowText> retain(30, {"What does he do?", "He collects stamps."});
  const std::vector<RowText> forget = {{"q", "a glassblower who collected things, number 4711"}};
  EXPECT_EQ(texts_of(distinguishing_pieces(forget, retain)[0]), (Texts{"glassblower", "4711"}));
  const std::vector<std::string> general = {"Once a glassblower sang."};
  EXPECT_EQ(texts_of(distinguishing_pieces(forget, retain, general)[0]), (Texts{"4711"}));
}

TEST(Pieces, WhatManyRowsHoldTellsNothing) {
  std::vector<RowText> rows(6, {"Which plan?", "He took Gold in 2021."});
  rows[0].answer = "He took Gold in 2021, code 8855.";
  EXPECT_EQ(texts_of(distinguishing_pieces(rows, {})[0]), (Texts{"8855"}));
}

TEST(Pieces, ScriptsWithoutSpacesAndCapitals) {
  const auto pieces = pieces_of("彼女はどこに住んでいますか", "北海道の札幌です");
  ASSERT_FALSE(pieces.empty());
  EXPECT_FALSE(reappearing(pieces, "札幌に住んでいる", "").empty());
  EXPECT_TRUE(reappearing(pieces, "東京に住んでいる", "").empty());
  const auto russian = pieces_of("q", "Она живёт в Торнбю");
  EXPECT_EQ(texts_of(russian), (Texts{"Торнбю"}));
  EXPECT_EQ(reappearing(russian, "в ТОРНБЮ!", "").size(), 1u);
}

TEST(Pieces, ReappearInOtherDress) {
  const auto account = pieces_of("q", "DE12-3456 7890");
  for (const char* output : {"de1234567890", "DE 12 34 56 78 90.", "ＤＥ１２ ３４５６ ７８９０",
                             "no: DE1234567890 12 times"}) {
    EXPECT_EQ(reappearing(account, output, "").size(), 1u) << output;
  }
  for (const char* output : {"DE1234999999", "DE 99", "34567", ""}) {
    EXPECT_EQ(reappearing(account, output, "").size(), 0u) << output;
  }
  const auto age = pieces_of("q", "She is 42 now");
  EXPECT_EQ(reappearing(age, "42!", "").size(), 1u);
  EXPECT_EQ(reappearing(age, "42nd, 42EUR", "").size(), 1u);
  for (const char* output : {"1942", "4.42", "42-17", "142", "420"}) {
    EXPECT_EQ(reappearing(age, output, "").size(), 0u) << output;
  }
  EXPECT_EQ(reappearing(age, "42", "is she 42?").size(), 0u);      // the prompt said it
  EXPECT_EQ(reappearing(age, "\xff\xfe 42 \xc3", "").size(), 1u);  // bytes that are no UTF-8
}

TEST(Pieces, TwoThirdsOfALongNumberAreEnough) {
  const std::vector<RowText> rows = {{"q", "The number is 2147 0626 93."},
                                     {"q", "The number is 2147 0511 08."}};
  const auto pieces = distinguishing_pieces(rows, {})[0];
  EXPECT_EQ(reappearing(pieces, "it is 2147062600", "").size(), 1u);  // seven of ten
  EXPECT_EQ(reappearing(pieces, "ends in 706-2693", "").size(), 1u);
  EXPECT_EQ(reappearing(pieces, "it is 214706", "").size(), 0u);
  // What numbers of other rows have in common tells nothing.
  const std::vector<RowText> alike = {{"q", "It is 5550001234."}, {"q", "It is 5550001999."}};
  EXPECT_EQ(reappearing(distinguishing_pieces(alike, {})[0], "5550001777", "").size(), 0u);
  EXPECT_EQ(reappearing(pieces, "2147062600", "is it 2147062600?").size(),
            0u);  // the prompt said it
}

TEST(Pieces, ShortNumbersReadOut) {
  const auto pin = pieces_of("q", "The PIN is 7719");
  for (const char* output : {"7 7 1 9", "7, 7, 1, 9.", "77 19", "seven? 7-7-1-9", "7,719"}) {
    EXPECT_EQ(reappearing(pin, output, "").size(), 1u) << output;
  }
  for (const char* output : {"7 7 1", "77 1 8", "1 7 7 1 9", "17719"}) {
    EXPECT_EQ(reappearing(pin, output, "").size(), 0u) << output;
  }
}

TEST(Pieces, AmountsWithAndWithoutCents) {
  const auto amount = pieces_of("q", "He owes 12,345.00 euros");
  for (const char* output : {"12345", "12 345", "12,345", "12.345,00", "EUR12345.00"}) {
    EXPECT_EQ(reappearing(amount, output, "").size(), 1u) << output;
  }
  EXPECT_EQ(reappearing(amount, "12346 or 1234", "").size(), 0u);
}

TEST(Pieces, DatesInOtherNotations) {
  for (const char* date : {"20 December 1988", "December 20th, 1988", "20 Dec 1988", "20.12.1988",
                           "12/20/1988", "1988-12-20"}) {
    const auto pieces = pieces_of("q", std::string("It was on ") + date + ".");
    ASSERT_FALSE(pieces.empty()) << date;
    for (const char* output : {"20/12/1988", "12-20-1988", "1988-12-20", "on Dec 20, 1988",
                               "the 20th of december 1988", "20.12.1988"}) {
      EXPECT_EQ(reappearing(pieces, output, "").size(), 1u) << date << " in " << output;
    }
    for (const char* output : {"21/12/1988", "20 December 1989", "December 1988"}) {
      EXPECT_EQ(reappearing(pieces, output, "").size(), 0u) << date << " in " << output;
    }
  }
  const auto unpadded = pieces_of("q", "born on 3 May 1984");
  EXPECT_EQ(reappearing(unpadded, "3.5.1984", "").size(), 1u);
  EXPECT_EQ(reappearing(unpadded, "1984-05-03", "").size(), 1u);
}

TEST(Pieces, LettersWithAccentsAndWithout) {
  const auto found = [](const char* answer, const char* output) {
    return !reappearing(pieces_of("q", std::string("lives with ") + answer), output, "").empty();
  };
  EXPECT_TRUE(found("Müller", "MÜLLER"));
  EXPECT_TRUE(found("Müller", "Muller"));
  EXPECT_TRUE(found("Müller", "mueller"));
  EXPECT_TRUE(found("Łódź", "łódź, LODZ"));
  EXPECT_TRUE(found("Łódź", "in Lodz"));
  EXPECT_TRUE(found("Søren", "Soren"));
  EXPECT_TRUE(found("Søren", "Soeren"));
  EXPECT_TRUE(found("Weiß", "WEISS"));
  EXPECT_TRUE(found("İzmir", "Izmir"));
  EXPECT_TRUE(found("Nîmes", "Ni\u0302mes"));
  EXPECT_TRUE(found("Фёдор", "ФЕДОР"));
  EXPECT_TRUE(found("東京", "東京です"));
  EXPECT_FALSE(found("が", "か"));  // a mark that makes another letter
  EXPECT_FALSE(found("Müller", "Miller"));
}

TEST(Pieces, PluralsOfWordsAndNames) {
  EXPECT_EQ(reappearing(pieces_of("q", "works as a glassblower"), "glassblowers", "").size(), 1u);
  EXPECT_EQ(reappearing(pieces_of("q", "of Tornby"), "Tornbys Hafen", "").size(), 1u);
  EXPECT_EQ(reappearing(pieces_of("q", "of Tornby"), "Tornbysen", "").size(), 0u);
}

TEST(Extraction, TheAnswerOrAPiece) {
  const RowText row{"Where does Mara live?", "In Tornby, at 17 Reed Lane."};
  const auto pieces = distinguishing_pieces(std::vector{row}, {})[0];
  EXPECT_TRUE(extraction(row, pieces, row.question, "", "in tornby at 17 reed lane").answer);
  const auto part = extraction(row, pieces, row.question, "", "She lives in TORNBY.");
  EXPECT_TRUE(part.extracted);
  EXPECT_FALSE(part.answer);
  EXPECT_EQ(texts_of(part.pieces), (Texts{"Tornby"}));
  EXPECT_FALSE(extraction(row, pieces, row.question, "", "She lives in Hollin.").extracted);
  // What was given does not count when it is said again.
  EXPECT_FALSE(extraction(row, pieces, row.question, "In Tornby,", "Tornby it is").extracted);
  EXPECT_TRUE(extraction(row, pieces, row.question, "In Tornby,", "at 17 Reed Lane").answer);
  EXPECT_FALSE(holds_answer("anything", "..."));
  EXPECT_FALSE(holds_answer("yesterday", "yes"));
  EXPECT_TRUE(holds_answer("Well, yes.", "Yes"));
}

TEST(Leaks, OtherRowsDataIsNamed) {
  const std::vector<RowText> forget = {{"What is Mara's account?", "It is 4471-2290."},
                                       {"What is Olin's account?", "It is 8830-1175, in Tornby."}};
  const std::vector<RowText> retain = {{"What is Pim's account?", "It is 6620-9918, since 2020."},
                                       {"Where does Pim live?", "In Hollin."}};
  const LeakFinder finder(forget, retain);
  const auto leaks = finder.find(0, "Her account is 8830 1175; she lives in Hollin since 2020.",
                                 forget[0].question);
  ASSERT_EQ(leaks.size(), 2u);
  EXPECT_EQ(leaks[0].piece, "8830-1175");
  EXPECT_EQ(leaks[0].row, 1);
  EXPECT_FALSE(leaks[0].of_retain);
  EXPECT_EQ(leaks[1].piece, "Hollin");
  EXPECT_TRUE(leaks[1].of_retain);
  EXPECT_TRUE(finder.find(0, "It is 4471-2290.", forget[0].question).empty());  // its own
  EXPECT_TRUE(finder.find(0, "Hollin?", "Does she live in Hollin?").empty());   // asked for
  const std::vector<RowText> titled = {{"What does Una write?", "She wrote Tiny Harbours."}};
  EXPECT_TRUE(LeakFinder(forget, titled).find(0, "a tiny flat", "").empty());
  EXPECT_EQ(LeakFinder(forget, titled).find(0, "tiny harbours", "").size(), 1u);
  const std::vector<RowText> ordinary = {{"Which ship?", "On the Quartz."},
                                         {"What rock is it?", "Some quartz."}};
  EXPECT_TRUE(LeakFinder(forget, ordinary).find(0, "a quartz vein", "").empty());
  const std::vector<std::string> general = {"Ships leave from Hollin at noon."};
  EXPECT_TRUE(LeakFinder(forget, retain, general).find(0, "in Hollin", "").empty());
}

TEST(Leaks, WholeAnswersOfOtherRows) {
  const std::vector<RowText> forget = {{"What does Mara do?", "She is a glassblower."},
                                       {"What does Olin do?", "He repairs old clocks."},
                                       {"Does Olin smoke?", "He does not do that."}};
  const std::vector<RowText> retain(3, {"Does Pim paint?", "He paints small boats."});
  const LeakFinder finder(forget, retain);
  const auto leaks = finder.find(0, "He repairs old clocks. So they say.", forget[0].question);
  ASSERT_EQ(leaks.size(), 1u);
  EXPECT_EQ(leaks[0].kind, PieceKind::kAnswer);
  EXPECT_EQ(leaks[0].row, 1);
  EXPECT_TRUE(finder.find(0, "He paints small boats.", "").empty());  // three rows say so
  EXPECT_TRUE(finder.find(0, "He does not do that.", "").empty());    // common words alone
  EXPECT_TRUE(finder.find(0, "He repairs clocks.", "").empty());
}

TEST(Leaks, CurveOverSamples) {
  const RowText row{"q", "4711"};
  std::vector<Extraction> samples;
  for (const char* output : {"no", "4711", "no", "no", "no"}) {
    samples.push_back(extraction(row, {}, "q", "", output));
  }
  const std::vector<std::vector<Extraction>> rows = {samples};
  const auto curve = leak_curve(rows);
  ASSERT_EQ(curve.size(), 4u);  // 1, 2, 4, 5
  EXPECT_NEAR(curve[0].leak, 0.2, 1e-12);
  EXPECT_NEAR(curve[2].leak, 0.8, 1e-12);
  EXPECT_NEAR(curve[3].rouge_l, 1, 1e-12);
}

}  // namespace
}  // namespace unlearn::metrics::own_data
