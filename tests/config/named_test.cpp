// An option that takes one of a few values is, for everyone who looks at settings, the text field
// with these choices.
#include "unlearn/config/named.h"

#include <gtest/gtest.h>

#include "test_folder.h"
#include "unlearn/config/interval.h"
#include "unlearn/config/nested_fields.h"
#include "unlearn/config/settings.h"
#include "unlearn/core/error.h"

namespace unlearn::config {
namespace {

enum class Weather { kSun, kRain };
constexpr Named<Weather> kWeathers[] = {{Weather::kSun, "sun"}, {Weather::kRain, "rain"}};
constexpr Named<std::optional<int64_t>> kWidths[] = {{std::nullopt, "auto"}, {32, "32"}, {8, "8"}};

struct Enums {
  Weather weather = Weather::kRain;
  std::optional<int64_t> width;
  void visit(FieldVisitor& v) {
    v.field("weather", weather, kWeathers, {.help = "outside"});
    v.field("width", width, kWidths, {.help = "bits"});
  }
};

struct Texts {
  std::string weather = "rain";
  std::string width = "auto";
  void visit(FieldVisitor& v) {
    v.field("weather", weather, {.help = "outside", .choices = {"sun", "rain"}});
    v.field("width", width, {.help = "bits", .choices = {"auto", "32", "8"}});
  }
};

template <class Section>
Section read(const std::string& assignment) {
  Settings settings;
  settings.assign(assignment, "--set");
  SettingsReader reader(settings);
  Section section;
  reader.read("", section);
  reader.refuse_unknown();
  return section;
}

template <class Section>
std::string refusal_of(const std::string& assignment) {
  return refusal([&] { read<Section>(assignment); });
}

template <class Section>
Json dumped(Section section) {
  FieldDumper dumper;
  NestedFields nested(dumper, "below");
  section.visit(dumper);
  section.visit(nested);
  return dumper.json();
}

TEST(NamedValues, AreReadByName) {
  EXPECT_EQ(read<Enums>("weather=sun").weather, Weather::kSun);
  EXPECT_EQ(read<Enums>("weather=sun").width, std::nullopt);
  EXPECT_EQ(read<Enums>("width=8").width, 8);
  EXPECT_EQ(read<Enums>("width=auto").width, std::nullopt);
}

TEST(NamedValues, LookLikeTextsWithChoices) {
  for (const char* assignment : {"weather=snow", "weather=rian", "weather=", "width=16", "width=~",
                                 "weather=[sun]", "wether=sun"}) {
    EXPECT_NE(refusal_of<Enums>(assignment), "accepted") << assignment;
    EXPECT_EQ(refusal_of<Enums>(assignment), refusal_of<Texts>(assignment));
  }
  EXPECT_EQ(dumped(Enums{}), dumped(Texts{}));
  EXPECT_EQ(dumped(read<Enums>("width=32")), dumped(read<Texts>("width=32")));
  FieldDescriber named, texts;
  Enums{}.visit(named);
  Texts{}.visit(texts);
  ASSERT_EQ(named.docs().size(), texts.docs().size());
  for (size_t i = 0; i < named.docs().size(); ++i) {
    EXPECT_EQ(named.docs()[i].name, texts.docs()[i].name);
    EXPECT_EQ(named.docs()[i].type, texts.docs()[i].type);
    EXPECT_EQ(named.docs()[i].default_value, texts.docs()[i].default_value);
    EXPECT_EQ(named.docs()[i].range, texts.docs()[i].range);
    EXPECT_EQ(named.docs()[i].help, texts.docs()[i].help);
  }
}

TEST(NamedValues, MustBeInTheTable) {
  EXPECT_EQ(name_in(kWidths, 32), "32");
  EXPECT_THROW(name_in(kWidths, 16), InternalError);
  EXPECT_THROW(value_in(kWeathers, "snow"), InternalError);
}

TEST(Interval, IsNeverAnEpochOrANumber) {
  EXPECT_EQ(parse_interval("never", 6), 0);
  EXPECT_EQ(parse_interval("epoch", 6), 6);
  EXPECT_EQ(parse_interval("epoch", 0), 1);
  EXPECT_EQ(parse_interval("25", 6), 25);
  for (const char* wrong : {"", "0", "-3", "3x", " 3", "often", "99999999999999999999"}) {
    EXPECT_EQ(parse_interval(wrong, 6), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace unlearn::config
