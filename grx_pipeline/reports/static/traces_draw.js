// What laps look like: five uPlot charts on the screen, and the same five as SVG on paper.
"use strict";
(() => {
  const { element } = window.grxTraces;
  const LOOKS = {
    best: { width: 2, dash: [] },
    class: { width: 1.7, dash: [7, 4] },
    target: { width: 2, dash: [1.5, 3.5], cap: "round" },
    median: { width: 1.2, dash: [] },
    estimate: { width: 1.5, dash: [2, 6] },
    other1: { width: 1.6, dash: [12, 3] },
    other2: { width: 1.6, dash: [4, 3] },
    other3: { width: 1.6, dash: [9, 3, 2, 3] },
  };
  const CHARTS = [
    { key: "d", title: "Delta", unit: "s", height: 132, phone: 112 },
    { key: "v", title: "Speed", unit: "", height: 172, phone: 136 },
    { key: "p", title: "Throttle", unit: "%", height: 68, phone: 60, range: [-6, 106], ticks: [0, 50, 100] },
    { key: "b", title: "Brake", unit: "bar", height: 78, phone: 66 },
    { key: "s", title: "Steering", unit: "°, + left", height: 104, phone: 92 },
  ];
  const AXIS_HEIGHT = 24;
  const LABEL_HEIGHT = 16;
  const AXIS_WIDTH = 46;

  // A CSS font for a canvas of so many dots a pixel.
  const scaled = (font, ratio) => font.replace(/^(\d+)px/, (_, size) => `${size * ratio}px`);

  const colour = (style, name) => style.getPropertyValue(`--${name}`).trim();

  function yRange(chart, low, high) {
    if (chart.range) return chart.range;
    if (low === null || high === null) return [0, 1];
    if (chart.key === "d") [low, high] = [Math.min(low, 0), Math.max(high, 0)];
    if (chart.key === "b") [low, high] = [0, Math.max(high, 10)];
    const least = { d: 0.04, v: 20, b: 10, s: 20 }[chart.key];
    const margin = Math.max((high - low) * 0.07, (least - (high - low)) / 2, 0);
    return [low - (chart.key === "b" ? high * 0.06 : margin), high + margin];
  }

  // A clean step that gives at most `most` ticks.
  function tickStep(span, most) {
    let step = 10 ** Math.floor(Math.log10(span / most));
    for (const factor of [1, 2, 5, 10]) if (span / (step * factor) <= most) return step * factor;
    return step * 10;
  }

  class Charts {
    // `on` has cursor(distance), view(min, max) and whole().
    constructor(model, host, on) {
      Object.assign(this, { model, host, on, plots: [] });
      this.boxes = CHARTS.map((chart) => {
        const box = document.createElement("div");
        box.className = "trace-chart";
        const unit = chart.key === "v" ? model.data.unit : chart.unit;
        const title = document.createElement("p");
        title.className = "chart-title";
        title.append(`${chart.title} `, Object.assign(document.createElement("small"), { textContent: unit }));
        box.append(title);
        return box;
      });
      this.deltaTitle = this.boxes[0].querySelector("small");
    }

    draw(state) {
      const style = getComputedStyle(this.host);
      this.state = state;
      // All colours at once: each new chart would make the browser compute styles again.
      const names = ["quiet", "rule", "ink", "paper", "band", "event", ...Object.keys(LOOKS).map((name) => `look-${name}`)];
      this.ink = Object.fromEntries(names.map((name) => [name, colour(style, name)]));
      this.font = style.fontFamily;
      this.deltaTitle.textContent = `s, + is behind ${state.reference.label.replace(/^[A-Z](?=[a-z])/, (c) => c.toLowerCase())}`;
      const width = Math.max(this.host.clientWidth, 200);
      for (const plot of this.plots) plot.destroy();
      // Made aside and put in at once: the page is laid out once, not for each chart.
      this.host.replaceChildren();
      this.plots = CHARTS.map((chart, i) => this.plot(chart, this.boxes[i], width));
      this.host.append(...this.boxes);
      for (const plot of this.plots) this.touch(plot);
    }

    series(chart) {
      return this.state.lines.map((line) => (chart.key === "d" ? line.delta : line.lap[chart.key]));
    }

    plot(chart, box, width) {
      const isFirst = chart.key === "d";
      const isLast = chart === CHARTS[CHARTS.length - 1];
      const height = (width < 560 ? chart.phone : chart.height) + (isLast ? AXIS_HEIGHT : 0) + (isFirst ? LABEL_HEIGHT : 0);
      const font = `11px ${this.font}`;
      const axis = { stroke: this.ink.quiet, font, ticks: { show: false }, grid: { stroke: this.ink.rule, width: 1 } };
      const { model } = this;
      const decimals = (ticks) => (ticks.some((tick) => Math.abs(tick * 10 - Math.round(tick * 10)) > 1e-6) ? 2 : 1);
      return new uPlot(
        {
          width,
          height,
          pxAlign: 0,
          padding: [isFirst ? LABEL_HEIGHT : 4, 14, isLast ? 0 : 4, 0],
          legend: { show: false },
          cursor: {
            y: false,
            drag: { x: true, y: false, setScale: false, dist: 6 },
            points: { size: 7, width: 2, fill: this.ink.paper },
            bind: {
              mouseleave: () => () => null,
              dblclick: () => () => (this.on.whole(), null),
            },
          },
          select: { show: true },
          scales: {
            x: { time: false, range: () => this.state.view },
            y: { range: (_, low, high) => yRange(chart, low, high) },
          },
          axes: [
            {
              ...axis,
              size: isLast ? AXIS_HEIGHT : 0,
              gap: 4,
              space: 74,
              values: (_, ticks) => (isLast ? ticks.map((tick) => (tick === ticks[0] ? `${model.number(tick)} m` : model.number(tick))) : ticks.map(() => "")),
            },
            {
              ...axis,
              size: AXIS_WIDTH,
              gap: 6,
              space: 22,
              splits: chart.ticks ? () => chart.ticks : undefined,
              values: (_, ticks) =>
                ticks.map((tick) => (isFirst ? model.signed(tick, decimals(ticks)) : model.number(tick))),
            },
          ],
          series: [
            {},
            ...this.state.lines.map(({ lap, look }) => ({
              label: lap.id,
              stroke: this.ink[`look-${look}`],
              width: LOOKS[look].width,
              dash: LOOKS[look].dash,
              cap: LOOKS[look].cap || "butt",
              points: { show: false },
              spanGaps: false,
            })),
          ],
          hooks: {
            drawClear: [(plot) => this.background(plot, isFirst, font)],
            draw: [(plot) => isFirst && this.lineNames(plot, font), (plot) => chart.key === "v" && this.events(plot)],
            setCursor: [(plot) => this.moved(plot)],
            setSelect: [(plot) => this.selected(plot)],
          },
        },
        [model.x, ...this.series(chart)],
        box
      );
    }

    // Corners as bands and sector lines behind the lines; names above the first chart.
    background(plot, isFirst, font) {
      const { ctx, bbox } = plot;
      const [low, high] = this.state.view;
      const ratio = devicePixelRatio;
      const place = (distance) => plot.valToPos(Math.min(Math.max(distance, low), high), "x", true);
      ctx.save();
      ctx.font = scaled(font, ratio);
      ctx.textAlign = "center";
      ctx.textBaseline = "bottom";
      let free = bbox.left - 20 * ratio;
      for (const { name, start, apex, end } of this.model.corners) {
        const spans = start <= end ? [[start, end]] : [[start, this.model.length], [0, end]];
        ctx.fillStyle = this.ink.band;
        for (const [from, to] of spans) {
          if (to > low && from < high) ctx.fillRect(place(from), bbox.top, place(to) - place(from), bbox.height);
        }
        const half = ctx.measureText(name).width / 2 + 2 * ratio;
        const middle = place(apex);
        if (isFirst && apex >= low && apex <= high && middle - half > free) {
          ctx.fillStyle = this.ink.quiet;
          ctx.fillText(name, middle, bbox.top - 3 * ratio);
          free = middle + half;
        }
      }
      ctx.fillStyle = this.ink.event;
      ctx.globalAlpha = 0.14;
      for (const { start, end } of this.state.events) {
        if (end > low && start < high) ctx.fillRect(place(start), bbox.top, place(end) - place(start), bbox.height);
      }
      ctx.globalAlpha = 1;
      ctx.strokeStyle = this.ink.quiet;
      ctx.lineWidth = ratio;
      ctx.setLineDash([2 * ratio, 4 * ratio]);
      ctx.textAlign = "left";
      ctx.fillStyle = this.ink.quiet;
      for (const [name, at] of this.model.data.lines) {
        if (at <= low || at >= high) continue;
        ctx.beginPath();
        ctx.moveTo(place(at), bbox.top);
        ctx.lineTo(place(at), bbox.top + bbox.height);
        ctx.stroke();
      }
      ctx.restore();
    }

    // Over the lines of the chart and on the side away from zero, so that none of them strikes a name through.
    lineNames(plot, font) {
      const { ctx, bbox } = plot;
      const [low, high] = this.state.view;
      const ratio = devicePixelRatio;
      ctx.save();
      ctx.font = scaled(font, ratio);
      ctx.textAlign = "left";
      const isAbove = plot.valToPos(0, "y", true) > bbox.top + bbox.height / 2;
      const level = isAbove ? bbox.top + 2 * ratio : bbox.top + bbox.height - 2 * ratio;
      ctx.textBaseline = isAbove ? "top" : "bottom";
      ctx.setLineDash([]);
      ctx.fillStyle = this.ink.quiet;
      ctx.strokeStyle = this.ink.paper;
      ctx.lineWidth = 3 * ratio;
      for (const [name, at] of this.model.data.lines) {
        if (at <= low || at >= high) continue;
        const place = [plot.valToPos(at, "x", true) + 3 * ratio, level];
        ctx.strokeText(name, ...place);
        ctx.fillText(name, ...place);
      }
      ctx.restore();
    }

    events(plot) {
      const { ctx, bbox } = plot;
      const size = 5 * devicePixelRatio;
      ctx.save();
      ctx.fillStyle = this.ink.event;
      for (const { peak } of this.state.events) {
        if (peak < this.state.view[0] || peak > this.state.view[1]) continue;
        const x = plot.valToPos(peak, "x", true);
        ctx.beginPath();
        ctx.moveTo(x - size, bbox.top);
        ctx.lineTo(x + size, bbox.top);
        ctx.lineTo(x, bbox.top + 1.6 * size);
        ctx.fill();
      }
      ctx.restore();
    }

    moved(plot) {
      // Only the chart under the pointer speaks; the others follow it.
      if (this.isFollowing || plot.cursor.left < 0 || !plot.cursor.event) return;
      this.on.cursor(plot.posToVal(plot.cursor.left, "x"));
    }

    selected(plot) {
      const { left, width } = plot.select;
      if (width < 6) return;
      plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      this.on.view(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
    }

    touch(plot) {
      const move = (event) => {
        if (event.pointerType === "mouse") return;
        const left = event.clientX - plot.over.getBoundingClientRect().left;
        this.on.cursor(plot.posToVal(Math.min(Math.max(left, 0), plot.over.clientWidth), "x"));
      };
      plot.over.addEventListener("pointerdown", move);
      plot.over.addEventListener("pointermove", move);
    }

    setView(view) {
      this.state.view = view;
      for (const plot of this.plots) plot.setScale("x", { min: view[0], max: view[1] });
    }

    setCursor(distance) {
      this.isFollowing = true;
      for (const plot of this.plots) {
        plot.setCursor({ left: plot.valToPos(distance, "x"), top: plot.bbox.height / devicePixelRatio / 2 }, false);
        plot.cursor.event = null;
      }
      this.isFollowing = false;
    }

    // The same charts as one SVG, for paper: vectors, and classes that print.css colours.
    paper() {
      const { model, state } = this;
      const [width, left, right] = [720, 44, 712];
      const [low, high] = state.view;
      const x = (at) => left + ((at - low) / (high - low)) * (right - left);
      const heights = [120, 150, 62, 74, 92];
      let top = 16;
      const panels = CHARTS.map((chart, i) => {
        const panel = this.paperPanel(chart, { top: top + 13, height: heights[i], left, right, low, high, x });
        top += heights[i] + 19;
        return panel;
      });
      const axis = element("g", {});
      const step = tickStep(high - low, 9);
      for (let at = Math.ceil(low / step) * step; at <= high; at += step) {
        axis.append(element("text", { x: x(at).toFixed(1), y: top + 8, "text-anchor": "middle" }, `${model.number(at)} m`));
      }
      const names = element("g", {});
      let free = 0;
      for (const { name, apex } of model.corners) {
        if (apex < low || apex > high || x(apex) - 9 < free) continue;
        names.append(element("text", { x: x(apex).toFixed(1), y: 12, "text-anchor": "middle" }, name));
        free = x(apex) + 9;
      }
      const speed = 16 + 13 + heights[0] + 19;
      const events = state.events.filter(({ peak }) => peak >= low && peak <= high);
      const marks = element("g", { class: "events" });
      for (const { peak } of events) marks.append(element("path", { d: `M${(x(peak) - 4).toFixed(1)} ${speed}h8l-4 7z` }));
      return element("svg", { viewBox: `0 0 ${width} ${top + 14}`, role: "img", "aria-label": "Traces" }, names, ...panels, marks, axis);
    }

    paperPanel(chart, { top, height, left, right, low, high, x }) {
      const { model, state } = this;
      const inside = model.x.map((at, i) => i).filter((i) => model.x[i] >= low && model.x[i] <= high);
      const every = Math.max(Math.floor(inside.length / 900), 1);
      const shown = inside.filter((_, i) => i % every === 0);
      const all = this.series(chart).flatMap((values) => shown.map((i) => values[i]).filter((value) => value !== null));
      const extremes = all.length ? [Math.min(...all), Math.max(...all)] : [null, null];
      const [bottom, peak] = yRange(chart, ...extremes);
      const y = (value) => top + height - ((value - bottom) / (peak - bottom)) * height;
      const group = element("g", {});
      for (const { start, end } of model.corners) {
        const [from, to] = [Math.max(start, low), Math.min(end, high)];
        if (to > from) {
          group.append(element("rect", { class: "band", x: x(from).toFixed(1), y: top, width: (x(to) - x(from)).toFixed(1), height }));
        }
      }
      const step = chart.ticks ? 50 : tickStep(peak - bottom, height > 100 ? 5 : 3);
      for (let tick = Math.ceil(bottom / step) * step; tick <= peak; tick += step) {
        const at = y(tick).toFixed(1);
        const text = chart.key === "d" ? model.signed(tick, step < 0.0999 ? 2 : 1) : model.number(tick);
        group.append(
          element("path", { class: "grid", d: `M${left} ${at}H${right}` }),
          element("text", { x: left - 5, y: at, dy: "0.35em", "text-anchor": "end" }, text)
        );
      }
      const unit = { d: this.deltaTitle.textContent, v: model.data.unit }[chart.key] || chart.unit;
      group.append(element("text", { class: "panel-title", x: left, y: top - 4 }, `${chart.title}, ${unit}`));
      this.series(chart).forEach((values, i) => {
        let path = "";
        let pen = "M";
        for (const at of shown) {
          if (values[at] === null) {
            pen = "M";
          } else {
            path += `${pen}${x(model.x[at]).toFixed(1)} ${y(values[at]).toFixed(1)}`;
            pen = "L";
          }
        }
        group.append(element("path", { class: `look-${state.lines[i].look}`, d: path }));
      });
      return group;
    }
  }

  Object.assign(window.grxTraces, { Charts });
})();
