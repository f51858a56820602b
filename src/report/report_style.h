// The report's looks: one column on a phone, figures side by side where there is room, the reader's own light or dark
// scheme, black on white on paper. Text has a contrast of at least 4.5 : 1, marks 3 : 1.
#pragma once

namespace dualgeo {

inline constexpr const char* kReportStyle = R"css(
:root{color-scheme:light dark;--page:#fff;--card:#f6f8fa;--text:#1b2127;--quiet:#55606b;--grid:#dde4ea;--line:#c8d1d9;--link:#0a5694;--warn:#7a4a00;--warn-page:#fff4dc}
@media screen and (prefers-color-scheme:dark){:root{--page:#14181c;--card:#1b2127;--text:#e8ebee;--quiet:#a9b4be;--grid:#2d363f;--line:#3d4852;--link:#7cc0f7;--warn:#ffd896;--warn-page:#33280f}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;overflow-wrap:anywhere}
header,main,footer,nav{max-width:72rem;margin:0 auto;padding:0 1rem}
header{padding-top:1.5rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.45rem;margin:2.6rem 0 .6rem;padding-top:.7rem;border-top:2px solid var(--line)}
h3{font-size:1.12rem;margin:1.6rem 0 .5rem}
h4{font-size:1rem;margin:1.3rem 0 .5rem}
h5{font-size:.85rem;margin:0 0 .4rem;font-weight:600}
p{margin:.6rem 0;max-width:46rem}
a{color:var(--link)}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-100vw;top:0;background:var(--page);padding:.6rem 1rem;z-index:1}
.skip:focus{left:0}
nav ul{list-style:none;margin:.8rem 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem}
nav a{display:inline-block;padding:.25rem 0}
.quiet,.note{color:var(--quiet)}
.note{font-size:.88rem}
.absent{color:var(--quiet);font-style:italic}
.synthetic{background:var(--warn-page);color:var(--warn);border:1px solid;border-radius:.4rem;padding:.5rem .8rem}
.glance{list-style:none;margin:.6rem 0 1rem;padding:0;display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.6rem}
.glance li{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem}
.glance span{display:block}
.big{font-size:1.7rem;line-height:1.15;font-weight:650;font-variant-numeric:tabular-nums}
.big small{font-size:1rem;font-weight:400}
.ci{font-size:.8rem;color:var(--quiet)}
.scroll{overflow-x:auto;max-width:100%;margin:.6rem 0}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;overflow-wrap:normal}
caption{text-align:left;font-weight:600;padding:.2rem 0 .5rem}
caption span{display:inline-block;position:sticky;left:0;max-width:min(46rem,calc(100vw - 2rem))}
th,td{padding:.32rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
thead th{border-bottom:2px solid var(--line);vertical-align:bottom}
tbody th{font-weight:600;min-width:5.8rem;position:sticky;left:0;background:var(--page)}
.photo caption span{max-width:17rem}
.photo tbody th{background:var(--card)}
td small{display:block;color:var(--quiet);font-size:.82em}
.n{text-align:right;white-space:nowrap}
figure{margin:0;min-width:0}
figcaption{font-weight:600;margin:.2rem 0 .3rem}
.wide figcaption{font-weight:400;font-size:.88rem;color:var(--quiet)}
svg.chart,svg.map{display:block;width:100%;height:auto}
svg.key{display:inline-block;vertical-align:-.05em;width:2.2rem;height:.75rem}
svg.map.key{width:.75rem}
.charts{display:grid;grid-template-columns:repeat(12,minmax(0,1fr));gap:1.4rem 1.2rem;margin:1rem 0;align-items:start}
figure.plot{grid-column:span 6}
figure.small{grid-column:span 4}
.charts>figure.plot:only-child{grid-column:span 8}
.legend{list-style:none;margin:.4rem 0;padding:0;display:flex;flex-wrap:wrap;gap:.15rem 1rem;font-size:.88rem}
details{margin:.4rem 0}
summary{cursor:pointer;color:var(--link);font-size:.9rem;padding:.15rem 0}
pre{overflow:auto;max-height:32rem;background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.8rem;font-size:.8rem;line-height:1.4}
code{font-size:.88em}
.photos{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(21rem,100%),1fr));gap:1rem}
.photo{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.8rem;min-width:0}
.pictures{display:grid;grid-template-columns:1fr 1fr;gap:.4rem}
.pictures img,.missing{width:100%;height:9rem;object-fit:contain;border-radius:.25rem}
.missing{display:flex;align-items:center;justify-content:center;border:1px dashed var(--line);color:var(--quiet);font-size:.85rem}
.pictures svg{grid-column:1/-1;border-radius:.25rem}
dl{margin:.5rem 0;font-size:.88rem}
dl div{display:flex;gap:.6rem}
dt{color:var(--quiet);flex:0 0 6.5rem}
dd{margin:0;min-width:0}
.strip-head{font-size:.82rem;color:var(--quiet);margin:.5rem 0 .2rem}
.strip{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(5,minmax(0,1fr));gap:.3rem;font-size:.76rem;line-height:1.3}
.strip img{display:block;width:100%;aspect-ratio:4/3;object-fit:cover;border-radius:.2rem}
footer{margin-top:3rem;padding-bottom:2rem;color:var(--quiet);font-size:.88rem}
@media screen and (max-width:47rem){
figure.plot,figure.small,.charts>figure.plot:only-child{grid-column:span 12}
.chart text{font-size:14px}.chart .mark{font-size:13px}.small .chart text{font-size:11px}
.wide svg.map:not(.key){min-width:34rem}
h1{font-size:1.5rem}
.glance{grid-template-columns:repeat(2,minmax(0,1fr))}
}
@media print{
@page{margin:14mm}
body{font-size:10.5pt}
caption span,tbody th{position:static;max-width:none}
nav,.skip,summary{display:none}
details:not([open]){display:none}
header,main,footer{max-width:none;padding:0}
h2,h3,h4,h5{break-after:avoid}
figure,.photo,.glance,tr,.synthetic{break-inside:avoid}
.scroll{overflow:visible}
table{font-size:7.5pt}
th,td{padding:1mm 1.5mm}
.n{white-space:normal}
.photos{grid-template-columns:1fr 1fr 1fr}
.pictures img,.missing{height:26mm}
.glance{grid-template-columns:repeat(5,1fr)}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
)css";

}  // namespace dualgeo
