const LIGHT = `
  color-scheme: light;
  --ground: #fff;
  --raised: #f3f5f7;
  --line: #d5dce2;
  --text: #15202b;
  --muted: #566575;
  --accent: #0b7a6b;
  --good: #14713f;
  --warn: #845500;
  --bad: #bb2d27;
`

const DARK = `
  color-scheme: dark;
  --ground: #0d1117;
  --raised: #161d26;
  --line: #2b3542;
  --text: #e7ecf2;
  --muted: #9aa8b8;
  --accent: #5cc8b6;
  --good: #4fd08f;
  --warn: #f2b84b;
  --bad: #ff8c84;
`

/**
 * Rows of the log have the height that `row-window.ts` counts on. In a narrow panel, what stands side by side stands one above the
 * other.
 */
export const STYLES = `
:host {
  all: initial;
  ${LIGHT}
  display: block;
  height: 100%;
  min-height: 240px;
  color: var(--text);
  font: 13px/1.45 system-ui, sans-serif;
  font-variant-numeric: tabular-nums;
}
@media (prefers-color-scheme: dark) { :host(:not([theme=light])) { ${DARK} } }
:host([theme=dark]) { ${DARK} }
:host([drawer]) { position: fixed; inset: auto 0 0; z-index: 2147483000; height: auto; min-height: 0; pointer-events: none; }
:host([hidden]), [hidden] { display: none !important; }
*, ::before { box-sizing: border-box; }
h3, h4, p, ul, dl, dd, fieldset { margin: 0; padding: 0; border: 0; min-width: 0; list-style: none; }
h3 { font-size: 13px; font-weight: 650; overflow-wrap: anywhere; }
h4, legend, dt, .quiet, .about { color: var(--muted); font-weight: 400; }
code, pre, .data, .id, .tree, .name { font-family: ui-monospace, monospace; font-size: 12px; }
code { overflow-wrap: anywhere; }
button, select, input:not([type=checkbox]) {
  font: inherit; color: var(--text); background: var(--ground); border: 1px solid var(--line); border-radius: 5px;
  min-height: 26px; padding: 2px 8px; max-width: 100%;
}
select { padding-right: 2px; text-overflow: ellipsis; }
button { cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--muted); }
button:disabled { opacity: .55; cursor: default; }
button[aria-pressed=true] { border-color: var(--accent); color: var(--accent); }
input[type=checkbox] { accent-color: var(--accent); margin: 0 6px 0 0; width: 16px; height: 16px; vertical-align: -3px; }
[aria-invalid=true] { border-color: var(--bad) !important; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.panel:focus-visible, .rows:focus-visible, .details:focus-visible { outline-offset: -2px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.error { color: var(--bad); overflow-wrap: anywhere; }
.error:empty { display: none; }

.launcher {
  pointer-events: auto; position: absolute; right: 12px; bottom: 12px; min-height: 32px; padding: 4px 12px;
  border-radius: 16px; font-weight: 600; box-shadow: 0 2px 10px rgb(0 0 0 / .25); white-space: nowrap;
}
.drawer { pointer-events: auto; display: flex; flex-direction: column; box-shadow: 0 -2px 16px rgb(0 0 0 / .22); }
.edge { height: 9px; cursor: ns-resize; touch-action: none; background: var(--raised); border-top: 1px solid var(--line); }
.edge::before { content: ""; display: block; width: 40px; height: 3px; margin: 3px auto 0; border-radius: 2px; background: var(--muted); }
.edge:focus-visible { outline-offset: -2px; }

.inspector { container-type: inline-size; flex: 1; height: 100%; min-height: 0; display: flex; flex-direction: column; background: var(--ground); }
.inspector > .error { padding: 6px 12px; }
header { display: flex; gap: 4px 8px; align-items: center; padding: 0 10px; background: var(--raised); border-bottom: 1px solid var(--line); }
header select { flex: 0 1 260px; min-width: 0; margin-left: auto; }
.close { min-width: 28px; font-size: 16px; line-height: 1; }
.tabs { display: flex; overflow-x: auto; scrollbar-width: none; }
.tabs button { border: 0; border-bottom: 2px solid transparent; border-radius: 0; background: none; min-height: 34px; color: var(--muted); white-space: nowrap; }
.tabs button[aria-selected=true] { color: var(--text); border-color: var(--accent); }
.tabs button:focus-visible { outline-offset: -3px; }
.panel { flex: 1; min-height: 0; overflow: auto; }

.page { display: grid; gap: 14px; padding: 12px; align-content: start; }
.page > section { display: grid; gap: 6px; }
.plain, .advice { display: grid; gap: 6px; }
.advice li, .notice { border-left: 3px solid var(--warn); background: var(--raised); padding: 7px 10px; border-radius: 0 5px 5px 0; overflow-wrap: anywhere; }
.advice .about { margin-left: 8px; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(125px, 1fr)); gap: 6px 16px; overflow-wrap: anywhere; }
.page > section > .facts { grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); }
.cards { display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr)); }
.card { display: grid; gap: 8px; align-content: start; border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; }
.plain li + li { border-top: 1px solid var(--line); padding-top: 6px; }
.head { display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center; }
.head h3 { flex: 1 1 220px; }
.head .state::before { content: ""; display: inline-block; width: 8px; height: 8px; border-radius: 50%; margin-right: 6px; background: var(--muted); }
.head .state[data-state=open]::before { background: var(--good); }
.head .state[data-state=connecting]::before, .head .state[data-state=retrying]::before { background: var(--warn); }
.head .state[data-state=closed]::before { background: var(--bad); }
.curves { display: flex; flex-wrap: wrap; gap: 4px 20px; }
.curve { display: inline-flex; align-items: center; gap: 8px; white-space: nowrap; }
.spark { width: 118px; height: 22px; flex: none; }
.spark path { fill: none; stroke: var(--accent); stroke-width: 1.5; stroke-linejoin: round; }
.names { display: grid; gap: 2px; }
.names li { display: grid; grid-template-columns: minmax(0, 1fr) auto auto; gap: 14px; align-items: center; }
.names .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.names .spark { width: 60px; height: 16px; }
.names .curve span { min-width: 62px; }
.actions { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); }
legend { padding: 0 0 6px; overflow-wrap: anywhere; }
.line { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; padding: 3px 0; }

.log { height: 100%; display: flex; flex-direction: column; }
.tools { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; padding: 6px 10px; border-bottom: 1px solid var(--line); }
.tools input[type=search] { width: 170px; }
.tools select { max-width: 150px; }
.choice { white-space: nowrap; }
.split { flex: 1; min-height: 0; display: flex; }
.rows { flex: 3 1 0; min-width: 0; overflow: auto; overflow-anchor: none; }
.inner { position: relative; overflow: hidden; }
.rows [role=option] {
  position: absolute; inset: 0 0 auto; height: 24px; padding: 0 10px; border-bottom: 1px solid var(--raised);
  display: grid; grid-template-columns: 92px minmax(60px, 1fr) minmax(50px, 1fr) 62px minmax(0, 6fr); gap: 10px; align-items: center;
  cursor: default; contain: strict;
}
.rows [role=option] > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.rows .time, .rows .size, .rows .id { color: var(--muted); font-size: 12px; }
.rows .size { text-align: right; }
.rows [role=option]:not(.event) { background: var(--raised); grid-template-columns: 92px minmax(0, 1fr); }
.rows [role=option]:not(.event) > :not(.time, .data) { display: none; }
.rows .gap .data { color: var(--bad); font-weight: 600; }
.rows .connection .data { color: var(--accent); }
.rows [aria-selected=true] { box-shadow: inset 3px 0 var(--accent); background: var(--raised); }
.details { flex: 2 1 0; min-width: 0; overflow: auto; border-left: 1px solid var(--line); padding: 8px 12px; display: grid; gap: 8px; align-content: start; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.tree { overflow-wrap: anywhere; }
.branch { padding-left: 14px; border-left: 1px solid var(--line); margin-left: 4px; }
.leaf { padding-left: 14px; }
summary { cursor: pointer; }
.key { color: var(--accent); }
.size { color: var(--muted); }
.tree .string { color: var(--good); }
.tree .number, .tree .boolean { color: var(--warn); }

@container (max-width: 640px) {
  header { flex-wrap: wrap; padding: 0 6px; }
  .tabs { order: 1; flex: 1 0 100%; }
  header select { flex: 1; margin: 5px 0 0; }
  .close { margin-top: 5px; }
  .tabs button { flex: auto; padding: 2px; font-size: 12px; }
  .split { flex-direction: column; }
  .details { border-left: 0; border-top: 1px solid var(--line); }
  .event[role=option] { grid-template-columns: 84px minmax(40px, 1fr) minmax(0, 2fr); gap: 6px; padding: 0 6px; }
  .event[role=option] > .id, .event[role=option] > .size { display: none; }
  .tools { padding: 5px 6px; gap: 4px; }
  .tools input[type=search] { flex: 1 1 90px; width: 90px; }
  .names .spark { width: 40px; }
  .names li { gap: 8px; }
}
`
