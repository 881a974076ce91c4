"""Which key a page has: one table, for the element in a real browser and for what reads pages here."""

HERE = "/journal/neck-pain.html"  # where the page stands

# (what its head says, the key)
KEYS = [
    ("", HERE),
    ('<link rel="canonical" href="/neck-pain?page=2#part">', "/neck-pain?page=2"),
    ('<link rel="canonical" href="/caf%c3%a9/%7Erae/ü">', "/caf%C3%A9/~rae/%C3%BC"),
    ('<link rel="canonical" href="https://other.example/Neck">', "/Neck"),
    ('<link rel="canonical" href="//other.example">', "/"),
    ('<link rel="Canonical" href="upper">', "/journal/upper"),
    ('<link rel="canonical nofollow" href="/both">', HERE),
    ('<link rel="canonical" href="../neck">', "/neck"),
    ('<link rel="canonical" href="./../../a/./b/..">', "/a/"),
    ('<link rel="canonical" href="/a/%2E%2e/b/%2e">', "/b/"),
    ('<link rel="canonical" href="?id=7">', HERE + "?id=7"),
    ('<link rel="canonical" href="/neck?">', "/neck"),
    ('<link rel="canonical" href="#top">', HERE),
    ('<link rel="canonical" href="">', HERE),
    ('<link rel="canonical" href="https://">', HERE),
    ('<link rel="canonical">', HERE),
    ('<link rel="canonical" href="\n /two words\t/x ">', "/two%20words/x"),
    ('<link rel="canonical" href="\\back\\slash?a\\b">', "/back/slash?a\\b"),
    ('<link rel="canonical" href="/a//b/">', "/a//b/"),
    ("""<link rel="canonical" href="/q?a='%27&amp;b={x}|`^&lt;&quot;">""", "/q?a=%27%27&b={x}|`^%3C%22"),
    ("""<link rel="canonical" href="/p'{x}|`&lt;&quot;~">""", "/p'%7Bx%7D%7C%60%3C%22~"),
    ('<link rel="canonical" href="/half%zz%4">', "/half%zz%4"),
    ('<link rel="canonical" href="/first"><link rel="canonical" href="/second">', "/first"),
    ('<template><link rel="canonical" href="/none"></template>', HERE),
    ('<base href="/base/dir/"><link rel="canonical" href="neck">', "/base/dir/neck"),
    ('<link rel="canonical" href="neck"><base href="/late/">', "/late/neck"),
]
