// Sorts tables by a column, and says where a table goes on beside the screen. Pages read well without it.
"use strict";

(() => {
  const decimal = document.documentElement.dataset.decimal || ".";

  // A cell as a number: its data-v, a time m:ss.mmm, or a number, the first of a pair. Text stays text, nothing is null.
  function valueOf(cell) {
    const shown = cell.classList.contains("pair") ? cell.firstChild : cell;
    const text = (cell.dataset.v ?? shown?.textContent ?? "").trim();
    if (text === "" || text === "\u2013") return null;
    const plain = cell.dataset.v !== undefined ? text : plainNumber(text);
    const time = /^(-?)(\d+):(\d\d)(\.\d+)?$/.exec(plain);
    if (time) return (time[1] ? -1 : 1) * (60 * Number(time[2]) + Number(time[3]) + Number(time[4] || 0));
    const number = Number(plain);
    return Number.isNaN(number) ? text : number;
  }

  function plainNumber(text) {
    const marks = text.replace("\u2212", "-").replace(/^\+|[\u25c6\u00b0#\s]|[a-z ]+$/g, "");
    return decimal === "," ? marks.replaceAll(".", "").replace(",", ".") : marks.replaceAll(",", "");
  }

  function compare(a, b, sign) {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * String(a).localeCompare(String(b), "en", { numeric: true });
  }

  function sortBy(table, header, index) {
    const isAscending = header.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [valueOf(row.cells[index]), row]);
    rows.sort((a, b) => compare(a[0], b[0], isAscending ? 1 : -1));
    body.append(...rows.map((pair) => pair[1]));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((header, index) => {
      if (!("sort" in header.dataset) || header.querySelector("a")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      button.addEventListener("click", () => sortBy(table, header, index));
      header.append(button);
    });
  }

  // On a phone what is looked up stands folded, but for what the address asks for.
  if (matchMedia("(max-width: 40rem)").matches) {
    for (const fold of document.querySelectorAll("details.fold")) fold.open = Boolean(fold.querySelector(":target"));
  }

  // A table wider than its place says so until it was scrolled.
  const regions = [...document.querySelectorAll(".scroll")];
  function mark() {
    // All is read before any is changed: the page is laid out once.
    const rests = regions.map((region) => region.scrollWidth - region.clientWidth - region.scrollLeft);
    regions.forEach((region, i) => region.classList.toggle("goes-on", rests[i] > 4));
  }
  const observer = new ResizeObserver(mark);
  for (const region of regions) {
    region.addEventListener("scroll", mark, { passive: true });
    observer.observe(region);
  }
})();
