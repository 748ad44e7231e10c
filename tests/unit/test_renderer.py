"""Static files and the hash of everything that makes a page."""

import hashlib
import re

from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.renderer import asset_files, lean, render, renderer_hash, static_files


def test_static_files_are_named_by_their_content_and_load_nothing_from_elsewhere() -> None:
    assert {"site.css", "site.js", "traces.js", "icon.svg"} <= set(static_files())
    for name, (hashed, content) in static_files().items():
        stem, _, ending = name.rpartition("/")[2].rpartition(".")
        assert hashed == f"{stem}.{hashlib.sha256(content).hexdigest()[:10]}.{ending}"
        assert (
            not re.search(rb"@import|url\(|https?://(?!www\.w3\.org/2000/svg|github\.com/leeoniya/uPlot)", content)
            or "vendor/" in name
        )
    assert len(asset_files()) == len(static_files())


def test_a_script_is_packed_without_a_change_to_what_it_says() -> None:
    script = b"""// A note.
  const a = [1, 2 ];
  let text = `x = ${a ? `, ${a[0] } : b` : "" } ; y`;  // Another, with marks;
  const found = text.replace(/[(, ] = "/g, '" , "') || { at : a.length / 2 };
  a.forEach((one) => {
    text += one;
  })
"""
    packed = b"""const a=[1,2];let text=`x = ${a ? `, ${a[0] } : b` : "" } ; y`;
const found=text.replace(/[(, ] = "/g,'" , "')||{at:a.length / 2};a.forEach((one)=>{text+=one;})
"""
    assert lean("a.js", script) == packed
    assert lean("a.css", b"a { b : c; /* d */ }\n") == b"a{b :c;}\n"
    assert lean("vendor/a.js", script) == script


def test_the_hash_of_the_renderer_is_the_same_until_a_file_changes() -> None:
    assert renderer_hash() == renderer_hash()
    assert re.fullmatch("[0-9a-f]{64}", renderer_hash())


def test_a_page_without_sessions_says_how_to_make_one_in_either_style() -> None:
    view = {
        "sessions": (),
        "refused": (),
        "shown": (),
        "left_out": 0,
        "trends": (),
        "spark_width": 1,
        "spark_height": 1,
    }
    pages = [render("season.html", style, root="", view=view) for style in (Style(), Style(has_decimal_comma=True))]
    assert all(b"grx run PATH" in page for page in pages)
    assert [b'data-decimal=","' in page for page in pages] == [False, True]
