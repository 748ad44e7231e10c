// The traces of a page: which laps are shown against which, where the cursor is, and the address that says so.
"use strict";
(() => {
  const { Model, Charts, TrackMap, listLaps, valueRow, eventText } = window.grxTraces;
  const MOST_MORE = 3;
  const ARROW_M = 10;
  const MARGIN_M = 60;
  const LEAST_VIEW_M = 60;
  const root = document.documentElement;
  const $ = (selector) => document.querySelector(selector);
  const app = $("#trace-app");
  if (!app) return;

  const model = new Model(JSON.parse($("#trace-data").textContent));
  const state = {
    ref: model.data.ref,
    shown: new Set(model.data.shown),
    cursor: 0,
    view: [0, model.length],
    failed: "",
    vain: { query: "", hash: "" },
  };
  const charts = new Charts(model, $("#trace-charts"), { cursor: setCursor, view: setView, whole: () => setView(0, model.length) });
  const map = $("#trace-map .track") ? new TrackMap(model, $("#trace-map")) : null;
  const slider = $("#trace-slider");
  const paper = $("#trace-paper");
  // What is said of an event stands in the list of them.
  const events = model.data.events.map(([id, lap, start, peak, end]) => ({ id, lap, start, peak, end, text: document.getElementById(id).querySelector("span").textContent }));

  listLaps(app);

  // ---- laps from files -------------------------------------------------------------------------------------------
  const waiting = new Map();
  window.grxLap = (raw) => {
    model.add(raw);
    waiting.get(raw.id)?.resolve();
  };

  function load(id) {
    if (model.laps.has(id)) return Promise.resolve();
    if (!waiting.has(id)) {
      const script = document.createElement("script");
      const promise = new Promise((resolve, reject) => {
        waiting.set(id, { resolve });
        script.onerror = () => {
          waiting.delete(id);
          reject(new Error(`Lap ${id} could not be loaded`));
        };
      });
      script.src = model.sources.get(id);
      waiting.get(id).promise = promise;
      document.head.append(script);
    }
    return waiting.get(id).promise;
  }

  // ---- what is shown ---------------------------------------------------------------------------------------------
  const isMore = (id) => model.isMore(id);
  function look(id) {
    if (!isMore(id)) return model.choices.find((lap) => lap.id === id).look;
    const others = [...new Set([...state.shown, state.ref])].filter(isMore);
    return `other${(Math.max(others.indexOf(id), 0) % MOST_MORE) + 1}`;
  }

  // The lap that map and corners speak of: the page's own, else a lap that was asked for, else any but the reference.
  function mainLine(lines) {
    const others = lines.filter(({ lap }) => lap.id !== state.ref);
    const own = others.find(({ lap }) => lap.id === model.data.laps[0].id);
    return own || others.find(({ lap }) => isMore(lap.id)) || others[0] || lines[0];
  }

  async function update() {
    const wanted = model.choices.map(({ id }) => id).filter((id) => state.shown.has(id) || id === state.ref);
    const failed = [];
    await Promise.all(wanted.map((id) => load(id).catch((error) => failed.push([id, error.message]))));
    for (const [id] of failed) {
      state.shown.delete(id);
      if (state.ref === id) state.ref = model.data.ref;
    }
    state.failed = failed.map(([, message]) => `${message}.`).join(" ");
    say();
    const reference = model.laps.get(state.ref);
    const lines = model.choices
      .map(({ id }) => model.laps.get(id))
      .filter((lap) => lap && (state.shown.has(lap.id) || lap.id === state.ref))
      .map((lap) => ({ lap, look: look(lap.id), delta: model.delta(lap, reference) }));
    state.lines = lines;
    state.reference = reference;
    state.main = mainLine(lines);
    const laps = new Set(lines.map(({ lap }) => lap.lap));
    state.events = events.filter(({ lap }) => laps.has(lap));
    showChoices();
    charts.draw({ lines, reference, view: state.view, events: state.events });
    showPlaces();
    if (isReady) queueMicrotask(() => setCursor(state.cursor));
    showAddress();
    schedulePaper();
  }

  function showChoices() {
    const more = [...state.shown].filter(isMore).length;
    for (const box of app.querySelectorAll("input[name=lap]")) {
      const id = box.value;
      box.checked = state.shown.has(id) || id === state.ref;
      box.disabled = id === state.ref || (isMore(id) && more >= MOST_MORE && !box.checked);
      box.parentElement.querySelector(".swatch").setAttribute("class", `swatch look-${look(id)}`);
    }
    $("#trace-ref").value = state.ref;
    const texts = [...new Set([state.main.lap, state.reference])];
    $("#trace-text").replaceChildren(
      ...texts.filter(({ text }) => text).flatMap((lap) => {
        const name = document.createElement("b");
        name.textContent = `${lap.label}: `;
        return [name, `${lap.text} `];
      })
    );
  }

  // Losses by corner in the strip, on the map, and what the map says.
  function showPlaces() {
    const { main, reference } = state;
    // Inside a sector nothing is known of an estimate, so its losses have no place.
    const isKnown = main.lap !== reference && !main.lap.synthetic && !reference.synthetic;
    const losses = isKnown ? model.losses(main.delta) : [];
    state.losses = losses;
    // On a compare page a colour is a car's: where the other loses, the reference is faster.
    $(".traces").classList.toggle("first-leads", model.data.pair && reference.id === model.data.laps[0].id);
    const show = (place, loss) => {
      if (!place) return;
      const isTold = loss !== null && Math.abs(loss) * 1000 >= model.data.floor;
      place.textContent = losses.length ? model.signed(loss, 2) : "";
      place.className = isTold ? (loss > 0 ? "loses" : "gains") : "";
    };
    model.corners.forEach(({ id }, i) => {
      show(document.querySelector(`.corner-strip a[href="#${id}"] span`), losses[i] ?? null);
    });
    show($(".corner-strip .straights span"), losses.length ? model.rest(main.delta, losses) : null);
    if (!map) return;
    map.change(isKnown ? main.delta : null);
    map.labels(losses);
    map.events(state.events);
    $("#trace-map-key").hidden = !isKnown;
    if ($("#trace-event-key")) $("#trace-event-key").hidden = !state.events.length;
    $("#trace-map-text").textContent = isKnown ? `${main.lap.label} against ${reference.label}, s: ` : "";
  }

  // What could not be shown: laps that did not load, and what the address asks for in vain.
  function say() {
    $("#trace-status").textContent = [state.failed, state.vain.query, state.vain.hash].filter(Boolean).join(" ");
  }

  // ---- cursor ----------------------------------------------------------------------------------------------------
  let frame = 0;

  function setCursor(distance) {
    state.cursor = Math.min(Math.max(distance, 0), model.length);
    if (!frame) {
      frame = requestAnimationFrame(() => {
        frame = 0;
        showCursor();
      });
    }
  }

  function showCursor() {
    const { cursor, view } = state;
    if (cursor < view[0] || cursor > view[1]) {
      const half = (view[1] - view[0]) / 2;
      setView(cursor - half, cursor + half);
    }
    charts.setCursor(cursor);
    map?.setCursor(cursor);
    const corner = model.corner(cursor);
    const place = `${model.number(cursor)} m${corner ? `, ${corner.name}` : ""}`;
    $("#trace-place").textContent = place;
    const rows = state.lines.map((line) => valueRow(model, line, { cursor, isReference: line.lap.id === state.ref }));
    $("#trace-values").replaceChildren(...rows.map(({ row }) => row));
    const near = state.events.filter(({ start, end }) => cursor >= start - 5 && cursor <= end + 5);
    $("#trace-event").replaceChildren(...near.map(eventText));
    slider.value = cursor;
    slider.setAttribute("aria-valuetext", `${place}. ${rows.map(({ text }) => text).join(". ")}`);
  }

  // ---- view ------------------------------------------------------------------------------------------------------
  function setView(from, to) {
    const least = Math.min(LEAST_VIEW_M, model.length);
    const span = Math.min(Math.max(to - from, least), model.length);
    const start = Math.min(Math.max((from + to) / 2 - span / 2, 0), model.length - span);
    state.view = [start, start + span];
    charts.setView(state.view);
    $("#trace-whole").disabled = span >= model.length;
    $("#trace-out").disabled = span >= model.length;
    charts.setCursor(state.cursor);
    schedulePaper();
  }

  function zoom(factor) {
    const half = ((state.view[1] - state.view[0]) / 2) * factor;
    setView(state.cursor - half, state.cursor + half);
  }

  function showCorner(corner) {
    const { start, end, apex } = corner;
    // A corner over start/finish is shown from its longer side.
    const [from, to] = start <= end ? [start, end] : apex >= start ? [start, model.length] : [0, end];
    setView(from - MARGIN_M, to + MARGIN_M);
    setCursor(apex);
    mark(corner.id);
  }

  function mark(id) {
    for (const link of document.querySelectorAll(".corner-strip a")) {
      if (link.hash === `#${id}`) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    }
  }

  function step(direction) {
    const places = model.corners.map(({ apex }) => apex).sort((a, b) => a - b);
    const next = direction > 0 ? places.find((at) => at > state.cursor + 1) : places.findLast((at) => at < state.cursor - 1);
    setCursor(next ?? (direction > 0 ? model.length : 0));
  }

  // ---- address ---------------------------------------------------------------------------------------------------
  function query() {
    const laps = model.choices.map(({ id }) => id).filter((id) => state.shown.has(id) && id !== state.ref);
    return `?ref=${state.ref}&laps=${laps.join(",")}`;
  }

  function showAddress() {
    const search = query();
    $("#trace-link").href = search + location.hash;
    try {
      if (isTouched) history.replaceState(null, "", search + location.hash);
    } catch {
      // A page opened from a file keeps its address; the link says it.
    }
  }

  let isTouched = false;
  let isReady = false;
  function readQuery(search) {
    const { ref, laps, vain } = model.asked(search, MOST_MORE);
    if (ref) state.ref = ref;
    if (laps) state.shown = new Set(laps);
    state.vain.query = vain;
    return Boolean(ref || laps);
  }

  // `#t8` zooms to a corner, `#e-14-2` to an event and its lap, `#lap-14` shows a lap. True where traces are meant.
  async function readHash(hash) {
    const id = model.idOf(hash);
    const corner = model.corners.find((one) => one.id === id);
    const isThere = !id || corner || events.some((one) => one.id === id) || document.getElementById(id);
    state.vain.hash = isThere ? "" : `There is no place, lap or moment ${id.slice(0, 30)} on this page.`;
    say();
    if (corner) {
      showCorner(corner);
      return true;
    }
    const event = events.find((one) => one.id === id);
    const number = event ? String(event.lap) : (id.match(/^lap-(\d+)$/) || [])[1];
    const lap = number && model.choices.find((one) => one.id === number || String(one.lap) === number);
    if (lap && !state.shown.has(lap.id)) {
      const others = [...state.shown].filter(isMore);
      if (isMore(lap.id) && others.length >= MOST_MORE) state.shown.delete(others[0]);
      state.shown.add(lap.id);
      await update();
    }
    if (event) {
      setView(event.start - 2 * MARGIN_M, event.end + 2 * MARGIN_M);
      setCursor(event.peak);
    }
    return Boolean(event);
  }

  // After the browser's own jump to the address.
  function scrollToTraces() {
    const jump = () => requestAnimationFrame(() => $("#traces").scrollIntoView({ block: "start" }));
    if (document.readyState === "complete") jump();
    else addEventListener("load", jump, { once: true });
  }

  // ---- paper -----------------------------------------------------------------------------------------------------
  let paperTimer = 0;

  function drawPaper() {
    clearTimeout(paperTimer);
    paperTimer = 0;
    const legend = document.createElement("p");
    for (const { lap, look: lookName } of state.lines) {
      const swatch = $("#trace-swatch").content.cloneNode(true);
      swatch.querySelector("svg").setAttribute("class", `swatch look-${lookName}`);
      const item = document.createElement("span");
      item.append(swatch, ` ${lap.label}, ${lap.detail}${lap.id === state.ref ? " (reference)" : ""}`);
      legend.append(item, " ");
    }
    paper.replaceChildren(legend, charts.paper());
  }

  function schedulePaper() {
    clearTimeout(paperTimer);
    paperTimer = setTimeout(drawPaper, 400);
  }

  // ---- wiring ----------------------------------------------------------------------------------------------------
  function wire() {
    app.addEventListener("change", ({ target }) => {
      if (target.name === "lap") {
        if (target.checked) state.shown.add(target.value);
        else state.shown.delete(target.value);
      } else if (target.id === "trace-ref") {
        state.shown.add(state.ref);
        state.ref = target.value;
        const others = [...state.shown].filter((id) => isMore(id) && id !== state.ref);
        if (others.length > MOST_MORE) state.shown.delete(others[0]);
      } else {
        return;
      }
      isTouched = true;
      state.vain = { query: "", hash: "" };
      update();
    });
    // Arrow keys go on from where a chart was pressed.
    $("#trace-charts").addEventListener("pointerup", () => slider.focus({ preventScroll: true }));
    slider.addEventListener("input", () => setCursor(Number(slider.value)));
    slider.addEventListener("keydown", (event) => {
      const arrow = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      const page = { PageUp: 1, PageDown: -1 }[event.key];
      if (arrow) setCursor(state.cursor + arrow * (event.shiftKey ? model.step : ARROW_M));
      else if (page && model.corners.length) step(page);
      else return;
      event.preventDefault();
    });
    $("#trace-whole").addEventListener("click", () => {
      setView(0, model.length);
      mark("");
    });
    $("#trace-in").addEventListener("click", () => zoom(0.5));
    $("#trace-out").addEventListener("click", () => zoom(2));
    document.addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="?"]:not(#trace-link)');
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const url = new URL(link.href);
      isTouched = true;
      readQuery(url.search);
      try {
        history.replaceState(null, "", url.hash || location.pathname);
      } catch {} // As above.
      update().then(() => readHash(url.hash)).then(scrollToTraces);
    });
    // A link to the same address again, as a card's, gives no hashchange.
    document.addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="#"]');
      if (link && link.hash === location.hash) follow();
    });
    addEventListener("hashchange", follow);
    let width = app.clientWidth;
    new ResizeObserver(() => {
      if (app.clientWidth === width || matchMedia("print").matches) return;
      width = app.clientWidth;
      charts.draw({ lines: state.lines, reference: state.reference, view: state.view, events: state.events });
      map?.labels(state.losses);
      queueMicrotask(() => setCursor(state.cursor));
    }).observe(app);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => update());
    addEventListener("beforeprint", drawPaper);
  }

  function follow() {
    const id = location.hash;
    const isInStrip = document.activeElement?.closest?.(".corner-strip");
    readHash(id).then((isMeant) => {
      showAddress();
      if (isMeant && !isInStrip) scrollToTraces();
    });
  }

  // The cursor starts where most is lost.
  function worstPlace() {
    const { losses } = state;
    const worst = losses.reduce((best, loss, i) => (loss !== null && (best < 0 || loss > losses[best]) ? i : best), -1);
    return worst < 0 ? model.length / 2 : model.corners[worst].apex;
  }

  Object.assign(slider, { max: model.length, step: model.step });
  isTouched = readQuery(location.search);
  update().then(async () => {
    wire();
    const at = Number(new URLSearchParams(location.search).get("at"));
    state.cursor = at > 0 ? Math.min(at, model.length) : worstPlace();
    const isMeant = location.hash ? await readHash(location.hash) : false;
    showCursor();
    if (isMeant) scrollToTraces();
    isReady = true;
    performance.mark("traces");
    root.dataset.ready = "";
  });
})();
