// dualgeo manual, dualgeo completion: the man page and the shells' completions, written from the commands' own options,
// so that they cannot differ from them.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "config_flags.h"
#include "dualgeo/util/text.h"
#include "dualgeo/util/version.h"

namespace dualgeo::tools {
namespace {

struct ManualOption {
  std::vector<std::string> names;  // "-q", "--quiet"; of a positional argument its name
  std::string value;               // "TEXT"; empty: none is taken
  std::string help;
  bool positional = false, required = false;
};

struct ManualCommand {
  std::string path;  // "gallery build"; empty: dualgeo itself
  std::string help;
  std::vector<ManualOption> options;
  std::vector<ManualCommand> below;
};

ManualOption DescribeOption(const CLI::Option& option) {
  ManualOption described;
  described.positional = option.get_positional();
  if (described.positional) {
    described.names = {option.get_name(true)};
  } else {
    for (const auto& name : option.get_snames()) described.names.push_back("-" + name);
    for (const auto& name : option.get_lnames()) described.names.push_back("--" + name);
  }
  const std::string type = option.get_type_name();
  if (option.get_items_expected_max() > 0) described.value = type.substr(0, type.find_first_of(": "));
  described.help = option.get_description();
  if (!option.get_default_str().empty()) described.help += " (default: " + option.get_default_str() + ")";
  described.required = option.get_required();
  return described;
}

ManualCommand DescribeCommand(const CLI::App& app, const std::string& path) {
  ManualCommand command{path, app.get_description(), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) command.options.push_back(DescribeOption(*option));
  }
  for (const CLI::App* below : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (below->get_group().empty()) continue;
    command.below.push_back(DescribeCommand(*below, path.empty() ? below->get_name() : path + " " + below->get_name()));
  }
  return command;
}

// Calls visit with the command and all below it.
template <class Visit>
void ForEachCommand(const ManualCommand& command, const Visit& visit) {
  visit(command);
  for (const auto& below : command.below) ForEachCommand(below, visit);
}

std::string LastWord(const std::string& path) { return path.substr(path.rfind(' ') + 1); }

// ---- man

std::string Roff(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\\')
      safe += "\\e";
    else if (c == '-')
      safe += "\\-";
    else if (c == '\n')
      safe += ' ';
    else
      safe += c;
  }
  return safe.starts_with('.') || safe.starts_with('\'') ? "\\&" + safe : safe;
}

void AppendOptions(const std::vector<ManualOption>& options, std::string& page) {
  for (const auto& option : options) {
    if (option.names.empty() || option.names.back() == "--help") continue;
    page += ".TP\n";
    for (std::size_t i = 0; i < option.names.size(); ++i) {
      page +=
          (i == 0 ? "" : ", ") + (option.positional ? "\\fI" : std::string("\\fB")) + Roff(option.names[i]) + "\\fR";
    }
    if (!option.value.empty() && !option.positional) page += " \\fI" + Roff(option.value) + "\\fR";
    page += "\n" + Roff(option.help) + (option.required ? " (needed)" : "") + "\n";
  }
}

std::string ManPage(const ManualCommand& root) {
  std::string page =
      ".TH DUALGEO 1 \"\" \"dualgeo " + std::string(kVersion) + "\" \"User Commands\"\n" +
      ".SH NAME\ndualgeo \\- geolocalise photos, and measure how well methods do it\n" +
      ".SH SYNOPSIS\n.B dualgeo\n\\fICOMMAND\\fR [\\fIOPTION\\fR...]\n.SH DESCRIPTION\n" + Roff(root.help) +
      "\n.PP\nResults go to standard output, logs and errors to standard error. Every flag that stands for a key "
      "of the experiment file, and every key, is explained by\n.BR \"dualgeo config \\-\\-document\" .\n"
      ".SH OPTIONS OF EVERY COMMAND\n";
  AppendOptions(root.options, page);
  page += ".SH COMMANDS\n";
  for (const auto& top : root.below) {
    ForEachCommand(top, [&](const ManualCommand& command) {
      page += ".SS dualgeo " + Roff(command.path) + "\n" + Roff(command.help) + "\n";
      AppendOptions(command.options, page);
    });
  }
  page +=
      ".SH EXIT STATUS\n.TP\n0\ndone\n.TP\n1\nthe run failed\n.TP\n2\nusage, config or input is wrong\n.TP\n130\n"
      "interrupted; the same command goes on from there\n.SH FILES\n.TP\n\\fI/usr/share/dualgeo/configs\\fR\n"
      "experiment files, where dualgeo was installed as a package\n";
  return page;
}

// ---- shells

// Words that may stand behind a command, all of them plain: letters, digits and -.
std::vector<std::string> WordsOf(const ManualCommand& command) {
  std::vector<std::string> words;
  for (const auto& below : command.below) words.push_back(LastWord(below.path));
  for (const auto& option : command.options) {
    if (!option.positional) words.insert(words.end(), option.names.begin(), option.names.end());
  }
  return words;
}

std::vector<std::string> ConfigKeys() {
  ExperimentOptions defaults;
  std::vector<std::string> keys;
  ForEachField(OptionTree(defaults), "", [&](const std::string& key, const OptionNode&) { keys.push_back(key + "="); });
  return keys;
}

// The part of a shell function that leads from the words typed to the command that they name.
std::string PathCases(const ManualCommand& root) {
  std::string cases;
  ForEachCommand(root, [&](const ManualCommand& command) {
    if (!command.path.empty()) cases += (cases.empty() ? "\"" : "|\"") + command.path + "\"";
  });
  return cases;
}

std::string BashCompletion(const ManualCommand& root) {
  std::string text =
      "# bash completion for dualgeo, made by `dualgeo completion bash`\n_dualgeo() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} path= word words\n"
      "  COMPREPLY=()\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"${path:+$path }$word\" in\n      " +
      PathCases(root) +
      ") path=\"${path:+$path }$word\" ;;\n    esac\n  done\n"
      "  if [ \"$before\" = --set ]; then\n    compopt -o nospace 2>/dev/null\n    COMPREPLY=($(compgen -W '" +
      Join(ConfigKeys(), " ") +
      "' -- \"$current\"))\n    return\n  fi\n"
      "  case \"$path\" in\n";
  ForEachCommand(root, [&](const ManualCommand& command) {
    text += "    '" + command.path + "') words='" + Join(WordsOf(command), " ") + "' ;;\n";
  });
  std::string parents;
  ForEachCommand(root, [&](const ManualCommand& command) {
    if (!command.below.empty()) parents += (parents.empty() ? "'" : "|'") + command.path + "'";
  });
  text +=
      "  esac\n  case \"$path\" in\n    " + parents +
      ") COMPREPLY=($(compgen -W \"$words\" -- \"$current\")) ;;\n"
      "    *) case \"$current\" in -*) COMPREPLY=($(compgen -W \"$words\" -- \"$current\")) ;; esac ;;  # else files\n"
      "  esac\n}\ncomplete -o bashdefault -o default -F _dualgeo dualgeo\n";
  return text;
}

// 'it''s' in zsh and fish alike: a quotation mark ends, stands escaped, and begins again.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'')
      quoted += "'\\''";
    else if (c == '\n')
      quoted += ' ';
    else
      quoted += c;
  }
  return quoted + "'";
}

std::string FirstSentence(const std::string& help) {
  const std::size_t end = help.find_first_of(";\n");
  std::string first = help.substr(0, end);
  while (!first.empty() && first.size() > 90)
    first.resize(first.rfind(' ') == std::string::npos ? 90 : first.rfind(' '));
  return first;
}

std::string ZshCompletion(const ManualCommand& root) {
  const auto entry = [](std::string word, const std::string& help) {
    return " " + Quoted(word + ":" + FirstSentence(help));
  };
  std::string text =
      "#compdef dualgeo\n# zsh completion for dualgeo, made by `dualgeo completion zsh`\n_dualgeo() {\n"
      "  local at word\n  local -a below options\n"
      "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n    case \"${at:+$at }$word\" in\n      " +
      PathCases(root) +
      ") at=\"${at:+$at }$word\" ;;\n    esac\n  done\n"
      "  if [[ ${words[CURRENT-1]} == --set ]]; then\n    compadd -S '' -- " +
      Join(ConfigKeys(), " ") + "\n    return\n  fi\n  case \"$at\" in\n";
  ForEachCommand(root, [&](const ManualCommand& command) {
    text += "    '" + command.path + "')\n      below=(";
    for (const auto& below : command.below) text += entry(LastWord(below.path), below.help);
    text += ")\n      options=(";
    for (const auto& option : command.options) {
      if (!option.positional) text += entry(option.names.back(), option.help);
    }
    text += ") ;;\n";
  });
  return text +
         "  esac\n  if [[ $PREFIX == -* ]]; then\n    _describe -o option options\n"
         "  elif (( ${#below} )); then\n    _describe command below\n  else\n    _files\n  fi\n}\n"
         "if [ \"$funcstack[1]\" = _dualgeo ]; then _dualgeo \"$@\"; else compdef _dualgeo dualgeo; fi\n";
}

std::string FishCompletion(const ManualCommand& root) {
  // The command that is typed so far, as one text.
  std::string text =
      "# fish completion for dualgeo, made by `dualgeo completion fish`\nfunction __dualgeo_at\n  set -l at ''\n"
      "  for word in (commandline -opc)[2..-1]\n    switch (string trim \"$at $word\")\n      case ";
  ForEachCommand(root, [&](const ManualCommand& command) {
    if (!command.path.empty()) text += Quoted(command.path) + " ";
  });
  text +=
      "\n        set at (string trim \"$at $word\")\n    end\n  end\n  test \"$at\" = \"$argv[1]\"\nend\n"
      "complete -c dualgeo -n '__fish_prev_arg_in --set' -f -a " +
      Quoted(Join(ConfigKeys(), " ")) + "\n";
  ForEachCommand(root, [&](const ManualCommand& command) {
    const std::string here = "complete -c dualgeo -n " + Quoted("__dualgeo_at '" + command.path + "'");
    for (const auto& below : command.below) {
      text += here + " -f -a " + LastWord(below.path) + " -d " + Quoted(FirstSentence(below.help)) + "\n";
    }
    for (const auto& option : command.options) {
      if (option.positional) continue;
      text += here;
      for (const auto& name : option.names) {
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      text += (option.value.empty() ? "" : " -r") + (" -d " + Quoted(FirstSentence(option.help))) + "\n";
    }
  });
  return text;
}

}  // namespace

void AddManual(CLI::App& root) {
  auto* manual = root.add_subcommand("manual", "print the man page: dualgeo manual | man -l -");
  manual->callback([&root] { std::fputs(ManPage(DescribeCommand(root, "")).c_str(), stdout); });
  auto* completion = root.add_subcommand(
      "completion", "print a shell's completion of commands, options and keys: source <(dualgeo completion bash)");
  const auto shell = std::make_shared<std::string>();
  completion->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([&root, shell] {
    const ManualCommand all = DescribeCommand(root, "");
    const auto make = *shell == "bash" ? BashCompletion : *shell == "zsh" ? ZshCompletion : FishCompletion;
    std::fputs(make(all).c_str(), stdout);
  });
}

}  // namespace dualgeo::tools
