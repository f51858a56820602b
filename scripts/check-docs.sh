#!/usr/bin/env bash
# What reading finds in the tree, in a second and without building: paths of one machine in what is published, and links
# and file names that lead nowhere. CI runs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
failed=
complain() { echo "check-docs: $1" >&2; failed=yes; }
# Tracked and new files of these folders and kinds.
files() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [ ! -f "$file" ] || echo "$file"; done; }

# 1. Paths of one machine. What is written there on purpose stands in `meant`.
meant='HOME=/root|"/home/me/work"'
leaks=$(files README.md docs configs examples scripts cmake CMakeLists.txt CMakePresets.json .ci include src tools |
  grep -v '^scripts/check-docs.sh$' | xargs grep -nIE '\.\./shared|(^|[^A-Za-z0-9_.}])/(work|root|home|mnt|tmp|media)/|(^|[^A-Za-z0-9_])/root([^A-Za-z0-9_]|$)' |
  grep -vE "$meant" || true)
[ -z "$leaks" ] || complain "paths of one machine:"$'\n'"$leaks"

# 2. Links of Markdown pages, with the heading after #, and names of files: anywhere in pages, in comments of sources. A
# name is looked for at the root, beside the page, and below include/dualgeo, src and tests; `*` and words in capitals match
# anything.
dead=$(files '*.md' '*.h' '*.cpp' CMakeLists.txt '*.cmake' '*.sh' '*.yaml' | grep -v '^scripts/check-docs.sh$' | perl -ne '
  BEGIN {
    $layers = join "|", map { s{.*/}{}r } grep { -d } glob "src/*";
    sub anchor { my $h = lc shift; $h =~ s/[^a-z0-9 _-]//g; $h =~ s/ /-/g; $h }
    sub there { my $name = shift; $name =~ s/(?<![A-Za-z])[A-Z][A-Z_]+(?![A-Za-z])/*/g; grep { -e } map { glob "$_$name" } @_ }
  }
  chomp; my $file = $_; my ($folder) = $file =~ m{^(.*/)}; $folder //= "";
  my $page = $file =~ /\.md$/; my $fence = 0;
  open my $in, "<", $file or die;
  while (my $line = <$in>) {
    $fence = !$fence if $line =~ /^```/;
    while ($page && !$fence && $line =~ /\]\(([^)\s]+)\)/g) {
      my ($target, $heading) = split /#/, $1, 2;
      next if $target =~ /^[a-z]+:/;
      my $other = $target eq "" ? $file : $folder . $target;
      if (!-e $other) { print "$file:$.: $1\n"; next }
      next if !defined $heading;
      open my $text, "<", $other or die;
      print "$file:$.: $1\n" if !grep { /^#+ (.*?)\s*$/ && anchor($1) eq $heading } <$text>;
    }
    if (!$page) { next if $line !~ m{(?://|\#)(?!include)(.*)}; $line = $1 }
    while ($line =~ m{(?<![\w/.\x24\x7b\x7d-])((?:docs|configs|scripts|examples|src|include|cmake|tests|tools)/[\w*./-]*\w)}g) {
      print "$file:$.: $1\n" if !there($1, "", $folder);
    }
    while ($line =~ m{(?<![\w/.-])((?:$layers)/\w+\.(?:h|cpp))}g) {
      print "$file:$.: $1\n" if !there($1, "include/dualgeo/", "src/", "tests/");
    }
  }')
[ -z "$dead" ] || complain "names that lead nowhere:"$'\n'"$dead"

# 3. What citing needs, and the version that the program says.
version=$(grep -oP 'kVersion = "\K[^"]+' include/dualgeo/util/version.h)
for key in cff-version message title type authors license; do
  grep -q "^$key:" CITATION.cff || complain "CITATION.cff: no $key"
done
grep -qx "version: $version" CITATION.cff || complain "CITATION.cff: its version is not $version, as include/dualgeo/util/version.h says"

[ -z "$failed" ] || exit 1
echo "check-docs: passed"
