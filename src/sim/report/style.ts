/** The report's style sheet. Light and dark by the reader's setting; from 400 px on. */

export const style = `
:root{color-scheme:light dark;--paper:light-dark(#fff,#14171c);--ink:light-dark(#1a1d23,#e4e7ec);--soft:light-dark(#5c6470,#9aa3b0);--line:light-dark(#e3e6ea,#2b3038);--shade:light-dark(#f4f5f7,#1c2027);--band:light-dark(#f1e6cf,#332b1c);--edge:light-dark(#c9ad6c,#75633c);--land:light-dark(#e6e9ed,#262b33);--good:light-dark(oklch(.6 .13 235),oklch(.75 .12 235));--middling:light-dark(oklch(.68 .15 65),oklch(.78 .14 70));--bad:light-dark(oklch(.55 .2 25),oklch(.68 .18 25))}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1240px;padding:20px 24px 60px;background:var(--paper);color:var(--ink);font:15px/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:26px;margin:0 0 2px}h2{font-size:19px;margin:40px 0 10px}p{margin:0 0 10px}
.facts,figcaption span,.nothing,.remark{color:var(--soft)}.nothing{margin-top:22px}.nothing b{color:var(--ink)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;padding:0;margin:18px 0}
.tiles div{background:var(--shade);border-radius:8px;padding:10px 14px}.tiles dd{margin:0;font-size:24px;font-weight:600}.tiles dt{color:var(--soft);font-size:13px}
figure{margin:26px 0 0}figcaption{margin-bottom:4px}figcaption span{font-size:13px}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;list-style:none;margin:0 0 6px;padding:0;font-size:13px}
.legend li::before{content:"";display:inline-block;width:14px;height:3px;border-radius:2px;background:var(--c);margin-right:6px;vertical-align:middle}
.legend .dashed::before{background:repeating-linear-gradient(90deg,var(--c) 0 4px,transparent 4px 6px)}
.plot{position:relative;margin:0 6px 22px 56px}
.small .plot{margin-left:44px}
.plot svg{position:absolute;inset:0;width:100%;height:100%;overflow:hidden}
.plot path{fill:none;vector-effect:non-scaling-stroke}
.grid{stroke:var(--line);stroke-width:1}.limit{stroke:var(--ink);stroke-width:1;stroke-dasharray:2 3}.band{fill:var(--band)}.edge{stroke:var(--edge);stroke-width:1}
.line{stroke-width:1.6;stroke-linejoin:round}.dashed.line{stroke-dasharray:6 4;stroke-width:1.8}
.plot[data-only] .line:not(.only){opacity:.12}
.labels span{position:absolute;font-size:12px;line-height:1;color:var(--soft);white-space:nowrap;pointer-events:none}
.labels .down{right:calc(100% + 6px);translate:0 -50%}.labels .along{bottom:-18px;translate:-50%}
.labels .event{padding:1px 0;overflow:hidden;text-overflow:ellipsis;line-height:1.15}
.several{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:4px 18px}.several figure{margin-top:10px}.small figcaption span{display:block;font-size:12px}
.cursor{position:absolute;top:0;bottom:0;width:1px;background:var(--ink);pointer-events:none}
.reading{position:absolute;top:4px;z-index:1;background:var(--paper);border:1px solid var(--line);border-radius:6px;padding:6px 9px;font-size:12px;line-height:1.4;pointer-events:none;white-space:nowrap;box-shadow:0 2px 10px #0003}
.reading i,th i{display:inline-block;width:9px;height:9px;border-radius:2px;background:var(--c);margin-right:6px}
details{font-size:13px}summary{color:var(--soft);cursor:pointer;width:max-content}
.scroll{overflow:auto;max-height:70vh}
table{border-collapse:collapse;font-size:13px}th,td{padding:4px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:500;position:sticky;top:0;background:var(--paper);z-index:1}tr>th:first-child{text-align:left;position:sticky;left:0;background:var(--paper)}thead tr>th:first-child{z-index:2}
.totals{font-size:14px}.totals th,.totals td{padding:4px 8px}.totals small{display:block;color:var(--soft);font-size:11px}.totals td b{font-weight:700}
.remark{margin-top:8px;font-size:13px}
.defs{position:absolute;width:0;height:0}.world{position:relative}.world svg{display:block;width:100%;height:auto}
.land{fill:var(--land)}.flows path{fill:none;stroke:var(--c);stroke-width:var(--w);stroke-linecap:round;opacity:.38}
.city circle,.city path{stroke:none}.city{stroke:var(--paper);stroke-width:.7;paint-order:stroke}
.ring{fill:none;stroke:var(--c);stroke-width:3}
.names span{position:absolute;translate:-50% 3px;font-size:12px;font-weight:600;line-height:1;color:var(--c);text-shadow:0 0 3px var(--paper),0 0 3px var(--paper),0 0 3px var(--paper),0 0 3px var(--paper);pointer-events:none;white-space:nowrap}
.picks{display:flex;flex-wrap:wrap;gap:6px;border:0;margin:0;padding:0}.picks legend{color:var(--soft);font-size:13px;padding:0}
.picks label{border:1px solid var(--line);border-radius:16px;padding:3px 12px;cursor:pointer}.picks label:has(:checked){background:var(--ink);color:var(--paper)}.picks label:has(:focus-visible){outline:2px solid var(--good)}
.picks input{position:absolute;opacity:0}
.heat{font-size:12px}.heat td{text-align:center;padding:5px 8px;border:1px solid var(--paper)}.heat th{text-align:center}.heat tbody th{text-align:left}.heat .within{background:color-mix(in oklch,light-dark(oklch(.93 .05 150),oklch(.32 .05 150)),light-dark(oklch(.88 .14 85),oklch(.45 .1 85)) var(--used))}.heat .beyond{background:light-dark(oklch(.62 .2 25),oklch(.5 .18 25));color:#fff}.heat .beyond span{position:absolute;clip-path:inset(50%)}.heat tbody tr:first-child>*{border-top:2px solid var(--soft)}
:focus-visible{outline:2px solid var(--good);outline-offset:2px}
@media(max-width:640px){body{padding:14px 12px 40px}h1{font-size:21px}.plot{margin-left:50px}.names span{font-size:10px}.reading{white-space:normal}}
@media print{.reading,.cursor,.picks{display:none}.run{display:block!important}}
`
