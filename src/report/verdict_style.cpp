#include "report/verdict_parts.h"

namespace unlearn::report {

std::string verdict_style() {
  return ":root{color-scheme:light dark;--text:#222;--back:#fff;--line:#ccc;--head:#f2f2f2;"
         "--good:#0b6b3a;--bad:#a4161a;--open:#7a5b00}"
         "@media(prefers-color-scheme:dark){:root{--text:#e6e6e6;--back:#16181b;--line:#454a50;"
         "--head:#24282d;--good:#6fd08c;--bad:#ff8a80;--open:#e8c35a}}"
         "body{font:16px/1.5 sans-serif;margin:2em auto;max-width:75em;padding:0 1em;"
         "color:var(--text);background:var(--back)}"
         ".verdict{font-size:1.35em;line-height:1.4;border-left:.35em solid var(--open);"
         "padding:.3em 0 .3em .8em;margin:1em 0}"
         ".verdict.good{border-color:var(--good)}.verdict.bad{border-color:var(--bad)}"
         ".scroll{overflow-x:auto}"
         "table{border-collapse:collapse;margin:1em 0;font-size:14px}"
         "th,td{border:1px solid var(--line);padding:.3em .6em;text-align:left;vertical-align:top}"
         "th{background:var(--head)}td.text{min-width:14em;overflow-wrap:anywhere;"
         "white-space:pre-wrap}td.number{text-align:right;font-variant-numeric:tabular-nums}"
         "td:first-child,th:first-child{position:sticky;left:0;background:var(--head)}"
         ".bad-mark{color:var(--bad);font-weight:bold}.good-mark{color:var(--good)}"
         ".note{font-size:.9em}h2{margin-top:2em}summary{cursor:pointer}";
}

}  // namespace unlearn::report
