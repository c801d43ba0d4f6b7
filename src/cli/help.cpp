#include "cli/help.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "unlearn/core/strings.h"

namespace unlearn::cli {
namespace {

constexpr size_t kUsualWidth = 80;
constexpr size_t kWidest = 100;
constexpr size_t kNarrowest = 40;
constexpr size_t kHelpColumn = 26;  // where the flags' descriptions begin

// Columns that UTF-8 text takes; no wide characters are used.
size_t columns(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string flag_help(const FlagDoc& flag) {
  std::string text = flag.help;
  if (flag.is_required) text += " [required]";
  if (!flag.fallback.empty()) text += cat(" [default: ", flag.fallback, "]");
  return text;
}

std::string usage(const CommandDoc& command) {
  std::string text = cat("unlearn ", command.name, " [flags]");
  for (const FlagDoc& flag : command.flags) {
    if (flag.name.starts_with("--")) {
      if (flag.is_required) text += cat(" ", flag.name, " ", flag.value);
      continue;
    }
    const std::string name = flag.is_repeatable ? flag.name + "…" : flag.name;
    text += flag.is_required ? " " + name : cat(" [", name, "]");
  }
  return text;
}

std::string flag_lines(const std::string& name, const std::string& help, size_t width) {
  std::string line = "  " + name;
  size_t used = columns(line);
  if (used + 2 > kHelpColumn) {
    line += "\n";
    used = 0;
  }
  line += std::string(kHelpColumn - used, ' ');
  return line + wrapped(help, kHelpColumn, kHelpColumn, width) + "\n";
}

}  // namespace

size_t output_width() {
  winsize size{};
  size_t width = kUsualWidth;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) width = size.ws_col;
  return std::clamp(width, kNarrowest, kWidest);
}

std::string wrapped(const std::string& text, size_t first, size_t indent, size_t width) {
  std::string result;
  size_t used = first;
  bool is_start = true;
  for (const std::string& word : split(text, ' ')) {
    const size_t wide = columns(word);
    if (!is_start && used + 1 + wide > width) {
      result += "\n" + std::string(indent, ' ');
      used = indent;
      is_start = true;
    }
    if (!is_start) {
      result += ' ';
      ++used;
    }
    result += word;
    used += wide;
    is_start = false;
  }
  return result;
}

std::string help_text(const CommandDoc& command, size_t width) {
  std::string text = cat(wrapped(command.help, 0, 0, width), "\n\n",
                         wrapped("Usage: " + usage(command), 0, 7, width), "\n");
  text += cat("Example: ", wrapped(command.example, 9, 11, width), "\n");
  std::vector<std::string> groups;
  for (const FlagDoc& flag : command.flags) {
    if (std::find(groups.begin(), groups.end(), flag.group) == groups.end()) {
      groups.push_back(flag.group);
    }
  }
  for (const std::string& group : groups) {
    text += cat("\n", group, ":\n");
    for (const FlagDoc& flag : command.flags) {
      if (flag.group != group) continue;
      const std::string name = flag.value.empty() || !flag.name.starts_with("--")
                                   ? flag.name
                                   : cat(flag.name, " ", flag.value);
      text += flag_lines(name, flag_help(flag), width);
    }
  }
  text += cat("\n", flag_lines("-h, --help", "this text", width),
              flag_lines("-V, --version", "the program's version", width));
  return text;
}

}  // namespace unlearn::cli
