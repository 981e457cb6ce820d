/** How the report looks: two sets of colours, one column on a phone and two on a screen. */

export const STYLE: string = `
:root {
  color-scheme: light dark;
  --paper: #faf9f6; --card: #ffffff; --ink: #1e2328; --soft: #646b73; --line: #e4e1da;
  --main: #33708c; --other: #b9cdd6; --warn: #b8622a; --track: #f0eee8; --tile: 83% 0.055; --edge: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --card: #1c2024; --ink: #e4e5e2; --soft: #979fa7; --line: #2d3238;
    --main: #6cacc8; --other: #3b5866; --warn: #e0975a; --track: #262b30; --tile: 40% 0.055; --edge: #1c2024;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1 { font-size: 1.45rem; line-height: 1.25; margin: 0; font-weight: 650; letter-spacing: -0.01em; }
h2 { font-size: 1rem; margin: 0 0 .15rem; font-weight: 650; }
p { margin: 0 0 .9rem; color: var(--soft); max-width: 44rem; }
header p { margin: .35rem 0 0; overflow-wrap: anywhere; }
code, .url { font: .86em/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1rem; margin: 1.75rem 0; }
.figures div { border-top: 2px solid var(--ink); padding-top: .5rem; }
.figures b { display: block; font-size: 1.45rem; font-weight: 600; letter-spacing: -0.02em; line-height: 1.2; }
.figures span { color: var(--soft); font-size: .87rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem; margin: 0 0 1rem; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.pair > * { min-width: 0; }

.map { position: relative; height: 25rem; }
.map.narrow { display: none; height: 34rem; }
.origin { position: absolute; padding: 2px; display: flex; flex-direction: column; container-type: size; }
.origin > b {
  flex: none; padding: 1px 4px; font-size: .8rem; font-weight: 600; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis;
}
.parts { position: relative; flex: 1; border-radius: 4px; overflow: hidden; }
.part {
  position: absolute; border: 1px solid var(--edge); background: oklch(var(--tile) var(--hue)); padding: 3px 5px;
  font-size: .76rem; line-height: 1.25; overflow: hidden; container-type: size;
}
.part span { display: block; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.part span + span { opacity: .7; }
@container (max-width: 2.6rem) or (max-height: 1rem) { .part span, .origin > b { visibility: hidden; } }
@container (max-height: 2.2rem) { .part span + span { display: none; } }
@container (max-height: 2.4rem) { .origin > b { display: none; } }

.key { display: flex; flex-wrap: wrap; gap: .2rem 1rem; color: var(--soft); font-size: .82rem; margin: 0 0 .7rem; }
.key i { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; margin-right: .4rem; vertical-align: -1px; }
.dot { border-radius: 50% !important; }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: .5rem .75rem; align-items: center; font-size: .87rem; }
.bars .value { text-align: right; color: var(--soft); font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { height: 7px; border-radius: 2px; background: var(--main); min-width: 0; }
.bar + .bar { background: var(--other); margin-top: 2px; }
.track { background: var(--track); border-radius: 3px; padding: 1px; }

.ratios { position: relative; height: 9rem; margin: .5rem 0 0 2.6rem; border-bottom: 1px solid var(--line); }
.ratios .columns { position: absolute; inset: 0; display: flex; align-items: flex-end; gap: 2px; }
.ratios i { flex: 1; min-width: 1px; background: var(--main); border-radius: 2px 2px 0 0; }
.plot { position: relative; height: 19rem; margin: 0 1.4rem 1.9rem 1.7rem; border-left: 1px solid var(--line); border-bottom: 1px solid var(--line); }
.plot .dot { position: absolute; width: 8px; height: 8px; margin: -4px; background: var(--main); opacity: .55; }
.plot .window { background: transparent; border: 1.5px solid var(--main); }
.plot .next { background: var(--warn); opacity: .9; }
.tick { position: absolute; color: var(--soft); font-size: .76rem; white-space: nowrap; }
.tick.x { top: 100%; padding-top: .3rem; transform: translateX(-50%); }
.tick.y { right: 100%; padding-right: .45rem; transform: translateY(50%); }
.grid { position: absolute; left: 0; right: 0; border-top: 1px dashed var(--line); }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .86rem; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--line); padding: .3rem .6rem .3rem 0; white-space: nowrap; }
td { padding: .32rem .6rem .32rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.url { overflow-wrap: anywhere; min-width: 15rem; }
.origins td.url { min-width: 9rem; }
.origins .track { margin-top: .2rem; padding: 0; background: none; }
.origins .bar { height: 4px; }
p.last { margin: .9rem 0 0; }
th button { all: unset; cursor: pointer; }
th button:focus-visible, input:focus-visible, .more:focus-visible { outline: 2px solid var(--main); outline-offset: 2px; }
th[aria-sort] button::after { content: " ↓"; color: var(--main); }
th[aria-sort="ascending"] button::after { content: " ↑"; }
.search { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin: .6rem 0 .8rem; }
input { font: inherit; flex: 1 1 14rem; min-width: 0; padding: .45rem .65rem; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); color: inherit; }
.search span { color: var(--soft); font-size: .86rem; }
.more { font: inherit; margin-top: .8rem; padding: .4rem .9rem; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); color: inherit; cursor: pointer; }
.stale { color: var(--warn); }
footer { color: var(--soft); font-size: .84rem; margin-top: 1.5rem; }

@media (max-width: 46rem) {
  body { padding: 1.5rem .85rem 3rem; }
  .pair { grid-template-columns: 1fr; gap: 0; }
  section { padding: 1rem; }
  .map.wide { display: none; }
  .map.narrow { display: block; }
  .optional { display: none; }
  td.url { min-width: 9rem; }
  td, th { padding-right: .45rem; }
  #entries tr { display: grid; grid-template-columns: 3.6rem 5.6rem 4.4rem 1fr; border-bottom: 1px solid var(--line); padding: .3rem 0; }
  #entries tr > :first-child { grid-column: 1 / -1; }
  #entries th, #entries td { border: 0; padding-top: .1rem; padding-bottom: .1rem; }
  #entries .number { text-align: left; }
}
@media print { body { max-width: none; } section { break-inside: avoid; } .search, .more { display: none; } }
`
