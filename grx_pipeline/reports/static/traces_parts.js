// Pieces of the page: the map, the rows of the value table, and what is said of an event.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const MOST_LABELS = 5;
  // Of the cursor on the map, with its rim.
  const DOT = 9;
  // Between two texts side by side.
  const GAP = 10;
  // Width of a character over the size of the letters.
  const LETTER = 0.64;

  function element(name, attributes, ...children) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // Boxes by their middle.
  const overlaps = (a, b) => Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < (a.height + b.height) / 2;

  const apart = (a, b) => Math.hypot(Math.max(Math.abs(a.x - b.x) - (a.width + b.width) / 2, 0), Math.max(Math.abs(a.y - b.y) - (a.height + b.height) / 2, 0)) + 1;

  function numberBox(label, size) {
    const [x, y] = ["x", "y"].map((name) => Number(label.getAttribute(name)));
    return { x, y, width: label.textContent.length * size * LETTER, height: size };
  }

  class TrackMap {
    constructor(model, svg) {
      this.model = model;
      this.svg = svg;
      // A path of relative moves, its points evenly spaced along the lap.
      const moves = svg.querySelector(".track").getAttribute("d").match(/-?[\d.]+/g).map(Number);
      this.points = [];
      let [x, y] = [0, 0];
      for (let i = 0; i + 1 < moves.length; i += 2) this.points.push([(x += moves[i]), (y += moves[i + 1])]);
      this.overlay = svg.querySelector(".change");
      this.marks = svg.querySelector(".events");
      this.dot = svg.querySelector(".here");
    }

    at(distance) {
      const place = (Math.min(Math.max(distance, 0), this.model.length) / this.model.length) * (this.points.length - 1);
      const before = Math.min(Math.floor(place), this.points.length - 2);
      const share = place - before;
      const [[x0, y0], [x1, y1]] = [this.points[before], this.points[before + 1]];
      return [x0 + (x1 - x0) * share, y0 + (y1 - y0) * share];
    }

    setCursor(distance) {
      const [x, y] = this.at(distance);
      this.dot.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    }

    // Where the delta moves by more than the floor within the window: losing and gaining stretches.
    change(delta) {
      this.overlay.replaceChildren();
      if (!delta) return;
      const { model, points } = this;
      const { floor, window: span } = model.data;
      const kinds = points.map((_, i) => {
        const middle = (i / (points.length - 1)) * model.length;
        const from = model.at(delta, Math.max(middle - span / 2, 0));
        const to = model.at(delta, Math.min(middle + span / 2, model.length));
        if (from === null || to === null || Math.abs(to - from) * 1000 < floor) return "";
        return to > from ? "loses" : "gains";
      });
      for (let i = 0; i < kinds.length; i++) {
        if (!kinds[i]) continue;
        let end = i;
        while (end + 1 < kinds.length && kinds[end + 1] === kinds[i]) end++;
        const path = points.slice(i, end + 2).map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
        this.overlay.append(element("path", { class: kinds[i], d: `M${path}` }));
        i = end;
      }
    }

    // Only the greatest are written, the list of corners has all; where one finds no room, no smaller one is.
    labels(losses) {
      const { model } = this;
      const groups = model.corners.map(({ id }) => this.svg.querySelector(`[data-corner="${id}"]`));
      const shown = groups.map((_, i) => i).filter((i) => groups[i]);
      if (!shown.length) return;
      const size = parseFloat(getComputedStyle(groups[shown[0]].lastElementChild).fontSize);
      const boxes = new Map(shown.map((i) => [i, numberBox(groups[i].firstElementChild, size)]));
      const taken = [...boxes.values()];
      for (const i of shown) {
        groups[i].lastElementChild.textContent = "";
        groups[i].querySelector("path")?.remove();
      }
      const told = shown.filter((i) => Math.abs(losses[i] ?? 0) * 1000 >= model.data.floor);
      told.sort((a, b) => Math.abs(losses[b]) - Math.abs(losses[a]));
      for (const i of told.slice(0, MOST_LABELS)) {
        const text = model.signed(losses[i], 2);
        const own = boxes.get(i);
        const others = shown.filter((other) => other !== i).map((other) => boxes.get(other));
        const width = text.length * size * LETTER;
        const box = this.room(own, width, size, taken, others) ?? this.roomAway(own, width, size, taken);
        if (!box) break;
        taken.push(box);
        const label = groups[i].lastElementChild;
        if (box.lead) {
          const [[x0, y0], [x1, y1]] = [box.lead[0], box.lead.at(-1)].map((at) => at.map((one) => one.toFixed(1)));
          label.before(element("path", { class: "lead", d: `M${x0} ${y0}L${x1} ${y1}` }));
          taken.push(...box.lead.map(([x, y]) => ({ x, y, width: 1, height: 1 })));
        }
        label.textContent = text;
        label.setAttribute("x", box.x.toFixed(1));
        label.setAttribute("y", box.y.toFixed(1));
        label.setAttribute("class", `loss-text ${losses[i] > 0 ? "loses" : "gains"}`);
      }
    }

    // Inside the picture, off the track by more than the dot, and over no other text.
    isFree(box, taken) {
      const frame = this.svg.viewBox.baseVal;
      const { x, y, width, height } = box;
      return (
        x - width / 2 >= frame.x &&
        x + width / 2 <= frame.x + frame.width &&
        y - height / 2 >= frame.y &&
        y + height / 2 <= frame.y + frame.height &&
        !taken.some((other) => overlaps({ ...box, width: width + GAP }, other)) &&
        this.points.every(([px, py]) => Math.hypot(Math.max(Math.abs(x - px) - width / 2, 0), Math.max(Math.abs(y - py) - height / 2, 0)) > DOT)
      );
    }

    // The free place around `beside` that is not nearer to one of the `others`; undefined without one.
    room(beside, width, height, taken, others) {
      const aside = (beside.width + width + height) / 2;
      const near = (width - beside.width) / 2;
      const steps = [[0, 1], [0, -1], [near, 1], [-near, 1], [near, -1], [-near, -1], [aside, 0], [-aside, 0], [aside, 1], [-aside, 1], [aside, -1], [-aside, -1]];
      return steps
        .map(([right, down]) => ({ x: beside.x + right, y: beside.y + down * height * 1.05, width, height }))
        .find((box) => this.isFree(box, taken) && !others.some((other) => apart(box, other) < apart(box, beside) * 1.1));
    }

    // The nearest free place further out with a line to it that crosses no text, and the track only where it has to.
    roomAway(beside, width, height, taken) {
      const rest = taken.filter((other) => other !== beside);
      let best;
      for (let far = 2 * height; far < 14 * height; far += height / 2) {
        for (let turn = 0; turn < 24; turn++) {
          const [right, down] = [Math.cos((turn * Math.PI) / 12), Math.sin((turn * Math.PI) / 12)];
          const box = { x: beside.x + far * right, y: beside.y + far * down, width, height };
          const edge = (one) => Math.min((one.width / 2 + 2) / Math.abs(right), (one.height / 2 + 2) / Math.abs(down));
          const [from, to] = [edge(beside), far - edge(box)];
          if (to <= from || !this.isFree(box, taken)) continue;
          const steps = Math.ceil((to - from) / 3);
          const lead = Array.from({ length: steps + 1 }, (_, i) => from + ((to - from) * i) / steps).map((at) => [beside.x + at * right, beside.y + at * down]);
          if (lead.some(([x, y]) => rest.some((other) => overlaps({ x, y, width: 4, height: 4 }, other)))) continue;
          const crosses = lead.some(([x, y]) => this.points.some(([px, py]) => Math.hypot(x - px, y - py) < 5));
          const cost = far * (crosses ? 2 : 1);
          if (!best || cost < best.cost) best = { ...box, lead, cost };
        }
      }
      return best;
    }

    events(events) {
      this.marks.replaceChildren(
        ...events.map(({ peak, text, lap }) => {
          const [x, y] = this.at(peak);
          const mark = element("path", { d: `M${(x - 7).toFixed(1)} ${(y + 6).toFixed(1)}h14l-7 -12z` });
          mark.append(element("title", {}, `Lap ${lap}: ${text}`));
          return mark;
        })
      );
    }
  }

  // One lap in the value table, and the same as words for the slider.
  function valueRow(model, { lap, look, delta }, { cursor, isReference }) {
    const at = (values) => model.at(values, cursor);
    const behind = at(delta);
    // Inside a sector an estimate's time is a guess.
    const told = lap.synthetic ? `≈${model.signed(behind, 2)}` : model.signed(behind, 3);
    const values = [
      isReference ? "ref" : behind === null ? model.number(null) : told,
      model.number(at(lap.v)),
      model.number(at(lap.p)),
      model.number(at(lap.b)),
      model.number(at(lap.s)),
    ];
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    const swatch = document.querySelector("#trace-swatch").content.cloneNode(true);
    swatch.querySelector("svg").setAttribute("class", `swatch look-${look}`);
    head.append(swatch, ` ${lap.label}`);
    row.append(head);
    values.forEach((value, i) => {
      const cell = document.createElement("td");
      cell.textContent = value;
      if (i === 0 && !isReference && !lap.synthetic && behind !== null && Math.abs(behind) >= 0.0005) {
        cell.className = behind > 0 ? "loses" : "gains";
      }
      row.append(cell);
    });
    const spoken = isReference ? "reference" : `delta ${values[0]} s`;
    return { row, text: `${lap.label} ${spoken}, ${values[1]} ${model.data.unit}` };
  }

  // A box for each of the other laps; the list of references has them.
  function listLaps(app) {
    const list = app.querySelector(".trace-laps details div");
    for (const { value, text } of list ? app.querySelector("optgroup").children : []) {
      const choice = app.querySelector(".lap-choice").cloneNode(true);
      const [name, detail] = text.split(" · ");
      choice.querySelector("input").value = value;
      choice.querySelector("b").textContent = name;
      choice.querySelector("span").textContent = detail;
      list.append(choice);
    }
  }

  function eventText({ lap, text }) {
    const line = document.createElement("p");
    const mark = document.createElement("b");
    mark.textContent = `▲ Lap ${lap}: `;
    line.append(mark, text);
    return line;
  }

  Object.assign(window.grxTraces, { TrackMap, element, listLaps, valueRow, eventText });
})();
