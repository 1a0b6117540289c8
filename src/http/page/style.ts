/** The page's style sheet, in the page itself. Colours are never the only sign of a state. */

export const STYLE = `
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#161b22;--mute:#586272;--line:#dfe3e8;--link:#0b5cad;
--ok:#12703f;--ok-bg:#e2f4e9;--ok-bar:#2f9e63;--warn:#8a4b00;--warn-bg:#fdeed3;--warn-bar:#dd8a1a;--bad:#ab1f18;\
--bad-bg:#fde4e1;--bad-bar:#d33a2f;--off:#586272;--off-bg:#e9ecf0;--off-bar:#a9b2be}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--card:#151b23;--ink:#e6ebf2;--mute:#96a2b2;--line:#2a323d;--link:#6cb2ff;
--ok:#5fd397;--ok-bg:#12291e;--ok-bar:#2f9e63;--warn:#f2b75c;--warn-bg:#33260f;--warn-bar:#c9821f;--bad:#ff8a80;\
--bad-bg:#3b1a1a;--bad-bar:#d0453a;--off:#96a2b2;--off-bg:#222a34;--off-bar:#4a5564}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);\
font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums;\
-webkit-text-size-adjust:100%}
main,.bar>div{max-width:1240px;margin:0 auto;padding:0 20px}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.92em}
h1,h2,h3,p,ol,ul,dl,dd{margin:0;padding:0}ol,ul{list-style:none}
.mute{color:var(--mute)}
.bar{background:var(--card);border-bottom:1px solid var(--line)}
.bar>div{display:flex;flex-wrap:wrap;align-items:center;gap:6px 16px;padding-top:12px;padding-bottom:12px}
.brand{display:flex;align-items:center;gap:9px;font-weight:650;letter-spacing:-.01em}
.brand svg{width:22px;height:22px}
.where{font-size:1.05em}.where b{font-weight:650}.where span{color:var(--mute);padding:0 3px}
.facts{display:flex;flex-wrap:wrap;gap:2px 14px;color:var(--mute);font-size:.87em;margin-left:auto}
.tag{display:inline-block;padding:1px 8px;border-radius:4px;font-weight:600;font-size:.82em;line-height:1.55;\
white-space:nowrap;background:var(--off-bg);color:var(--off)}
.tag.ok{background:var(--ok-bg);color:var(--ok)}.tag.warn{background:var(--warn-bg);color:var(--warn)}\
.tag.bad{background:var(--bad-bg);color:var(--bad)}
.headline{padding:24px 0 14px}
.headline h1{font-size:1.6em;line-height:1.2;font-weight:650;letter-spacing:-.015em;text-wrap:balance}
.headline p{color:var(--mute);margin-top:4px}
section{margin:26px 0}
section>h2{font-size:1em;font-weight:650;margin-bottom:9px;display:flex;flex-wrap:wrap;gap:2px 12px;align-items:baseline}
section>h2 small{font-weight:400;color:var(--mute);font-size:.87em}
.verdicts{display:grid;gap:8px}
.verdict{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--off-bar);border-radius:6px;\
padding:10px 14px;display:grid;grid-template-columns:minmax(0,1fr) auto;gap:3px 18px;align-items:center}
.verdict.bad{border-left-color:var(--bad-bar)}.verdict.warn{border-left-color:var(--warn-bar)}
.verdict .who{display:flex;flex-wrap:wrap;gap:3px 10px;align-items:center;min-width:0}
.verdict .who b{font-weight:650;overflow-wrap:anywhere}
.verdict .why{overflow-wrap:anywhere}
.verdict .cmd{grid-column:2;grid-row:1/span 2;text-align:right;font-size:.92em}
.cmd code{display:inline-block;background:var(--bg);border:1px solid var(--line);border-radius:4px;padding:2px 8px;\
user-select:all;overflow-wrap:anywhere}
.cmd a{display:block;margin-top:3px;font-size:.9em}
.nics{display:grid;grid-template-columns:repeat(auto-fit,minmax(270px,1fr));gap:12px}
.card{background:var(--card);border:1px solid var(--line);border-radius:6px;min-width:0}
.nic{padding:12px 14px 11px;border-top:3px solid var(--ok-bar)}
.nic.bad{border-top-color:var(--bad-bar)}.nic.warn{border-top-color:var(--warn-bar)}
.nic header{display:flex;flex-wrap:wrap;gap:4px 9px;align-items:center}
.nic h3{font-size:1.12em;font-weight:650}
.nic header .tag{margin-left:auto}
.nic dl{display:grid;grid-template-columns:auto 1fr;gap:2px 14px;margin-top:9px;font-size:.93em}
.nic dt{color:var(--mute)}.nic dd{text-align:right}
.meter{display:block;width:100%;height:8px;border-radius:3px;margin-top:9px;background:var(--off-bg)}
.meter .ok{fill:var(--ok-bar)}.meter .link_fail,.meter .down{fill:var(--bad-bar)}\
.meter .service_fail,.meter .held{fill:var(--warn-bar)}.meter .unknown{fill:var(--off-bar)}.meter .up{fill:var(--ok-bar)}
.split{font-size:.83em;color:var(--mute);margin-top:4px}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:.87em;color:var(--mute);margin-bottom:10px}
.legend i{font-style:normal;display:inline-block;min-width:1.7em;text-align:center;border-radius:3px;margin-right:5px;\
font-weight:700}
.racks{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,370px),1fr));gap:12px;align-items:start}
.racks.wide{grid-template-columns:minmax(0,1fr)}
.rack{overflow-x:auto}
.rack header{display:flex;flex-wrap:wrap;gap:8px;align-items:baseline;padding:9px 12px 2px}
.rack h3{font-size:1em;font-weight:650}
table{border-collapse:separate;border-spacing:3px;width:100%}
.matrix{padding:0 9px 9px;font-size:.88em}
.matrix th{font-weight:500;text-align:left;padding:3px;white-space:nowrap}
.matrix th[scope=row]{position:sticky;left:0;background:var(--card);white-space:normal;overflow-wrap:anywhere;min-width:116px}
.matrix thead th{color:var(--mute);text-align:center}
.matrix thead th.bad{color:var(--bad);font-weight:650}.matrix thead th.warn{color:var(--warn);font-weight:650}
.matrix tbody th.bad{color:var(--bad);font-weight:650}
.matrix tbody th small{display:block;font-weight:400;color:var(--mute);font-family:system-ui,sans-serif;line-height:1.3}
.cell,.legend i{background:var(--off-bg);color:var(--off)}
.cell{border-radius:4px;text-align:center;padding:4px 3px;white-space:nowrap;min-width:64px}
.cell b{font-weight:700;margin-right:4px}
.cell.ok,.legend .ok{background:var(--ok-bg);color:var(--ok)}
.cell.link_fail,.legend .link_fail{background:var(--bad-bg);color:var(--bad)}
.cell.service_fail,.legend .service_fail{background:var(--warn-bg);color:var(--warn)}
.cell.path{box-shadow:inset 0 0 0 2px currentColor}.legend .path{box-shadow:inset 0 0 0 2px var(--off)}
.services{overflow:hidden}
.service{display:grid;grid-template-columns:minmax(180px,1.5fr) 74px minmax(150px,1fr) minmax(150px,1.3fr);gap:6px 20px;\
padding:11px 14px;align-items:start;border-top:1px solid var(--line)}
.service:first-child{border-top:0}
.service h3{font-size:1em;font-weight:650;overflow-wrap:anywhere}
.service .vip{font-size:.87em;color:var(--mute);overflow-wrap:anywhere}
.service .meter{margin-top:4px}
.slices{display:flex;flex-wrap:wrap;gap:4px}
.slice{border:1px solid var(--line);border-radius:4px;padding:0 7px;font-size:.87em;white-space:nowrap}
.slice.off{color:var(--bad);border-style:dashed;text-decoration:line-through}
.service details{grid-column:1/-1;font-size:.9em}
.service summary{cursor:pointer;color:var(--mute)}
.altered{grid-column:1/-1;display:flex;flex-wrap:wrap;gap:4px 8px;font-size:.87em}
.altered li{overflow-wrap:anywhere;background:var(--warn-bg);color:var(--warn);border-radius:4px;padding:0 8px}
.changed{color:var(--warn)}
.weights{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:1px 24px;margin-top:6px}
.weights li{display:flex;gap:10px;justify-content:space-between;border-bottom:1px dotted var(--line)}
.sources li{display:grid;grid-template-columns:110px 84px minmax(0,1fr);gap:2px 14px;padding:6px 14px;\
border-top:1px solid var(--line);align-items:center}
.sources li:first-child{border-top:0}
.sources .mute{overflow-wrap:anywhere;font-size:.93em}
.sources .mute:only-child{grid-column:1/-1}
.log li{display:grid;grid-template-columns:82px minmax(0,1fr);gap:0 14px;padding:8px 14px;border-top:1px solid var(--line)}
.log li:first-child{border-top:0}
.log .empty{display:block}
.log time{color:var(--mute);font-size:.92em;padding-top:1px}
.log .who{display:flex;flex-wrap:wrap;gap:2px 8px;align-items:center}
.log p{overflow-wrap:anywhere;font-size:.93em}
.empty{padding:12px 14px;color:var(--mute)}
.pager{display:flex;gap:16px;margin:10px 0}
.num{text-align:right}
.summary{padding:6px 9px;font-size:.93em}.summary th{text-align:left;font-weight:500;padding:2px 5px}\
.summary td{padding:2px 5px}.summary thead th{color:var(--mute)}
.summary .meter{margin:0;min-width:80px}
.fleet{border-spacing:0 1px}.fleet th,.fleet td{vertical-align:top;text-align:left;overflow-wrap:break-word}\
.fleet thead th{white-space:nowrap}.fleet th[scope=row]{font-weight:600;min-width:84px}.fleet td{min-width:56px}\
.fleet td:last-child{min-width:180px}.fleet .meter{margin-top:6px}
footer{border-top:1px solid var(--line);margin:34px 0 22px;padding-top:12px;display:flex;flex-wrap:wrap;gap:4px 18px;\
color:var(--mute);font-size:.87em}
@media(max-width:760px){
main,.bar>div{padding-left:12px;padding-right:12px}
.facts{margin-left:0;width:100%}
.headline{padding:18px 0 10px}.headline h1{font-size:1.32em}
.verdict{grid-template-columns:minmax(0,1fr)}\
.verdict .cmd{grid-column:1;grid-row:auto;text-align:left;display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center;\
margin-top:3px}.cmd a{margin:0}
.service{grid-template-columns:minmax(0,1fr) auto;gap:5px 12px}.service .load,.service .slices{grid-column:1/-1}
.log li{grid-template-columns:minmax(0,1fr)}
.sources .mute{grid-column:1/-1}
.cell{min-width:52px}
summary,.cmd a,.facts a,footer a{padding-top:4px;padding-bottom:4px}
}`;
