// Laps as numbers: decoding, one grid, deltas, and how numbers are written. Nothing here touches the page.
"use strict";
(() => {
  const MINUS = "\u2212";
  const MISSING = "\u2013";

  // Text of trace_encoding.py -> integers, summed up `order` times.
  function decode(text, order) {
    const values = [];
    let value = 0;
    let shift = 0;
    for (let i = 0; i < text.length; i++) {
      const digit = text.charCodeAt(i) - 63;
      value += (digit & 31) * 2 ** shift;
      if (digit & 32) {
        shift += 5;
      } else {
        values.push(value % 2 ? -(value + 1) / 2 : value / 2);
        value = 0;
        shift = 0;
      }
    }
    for (; order > 0; order--) {
      for (let i = 1; i < values.length; i++) values[i] += values[i - 1];
    }
    return values;
  }

  function channel(lap, key, [scale, order]) {
    if (!(key in lap)) return null;
    const values = decode(lap[key], order).map((value) => value / scale);
    for (const [start, end] of lap.gaps[key] || []) values.fill(null, start, end);
    return values;
  }

  // Values every `step` m -> values at `grid`; null where a neighbour is missing.
  function resample(values, step, grid) {
    return grid.map((at) => {
      const place = at / step;
      const before = Math.min(Math.floor(place), values.length - 1);
      const after = Math.min(before + 1, values.length - 1);
      if (values[before] === null || values[after] === null) return null;
      return values[before] + (values[after] - values[before]) * Math.min(place - before, 1);
    });
  }

  class Model {
    constructor(data) {
      this.data = data;
      this.length = data.length;
      const here = data.laps.filter((lap) => !lap.source);
      this.step = Math.min(...here.map((lap) => lap.step));
      const finest = here.find((lap) => lap.step === this.step);
      const count = decode(finest.t, 0).length;
      this.grid = Array.from({ length: count }, (_, i) => i * this.step);
      // The last place is the line, where a lap's time is its official one.
      this.x = [...this.grid, this.length];
      this.laps = new Map();
      // Laps that are loaded when asked for; what they are called comes with them.
      this.sources = new Map([...data.laps.map(({ id, source }) => [id, source]), ...Object.entries(data.more).map(([id, hash]) => [id, `${data.files}/lap-${id.padStart(2, "0")}.${hash}.js`])]);
      this.choices = [...data.laps.map(({ id, lap, look }) => ({ id, lap, look })), ...Object.keys(data.more).map((id) => ({ id, lap: Number(id) }))];
      for (const lap of here) this.add(lap);
    }

    add(raw) {
      const lap = { ...raw };
      for (const [key, coding] of Object.entries(this.data.channels)) {
        let values = channel(raw, key, coding);
        if (values && raw.step !== this.step) values = resample(values, raw.step, this.grid);
        // What an estimate's driver did with pedals and wheel is not known.
        if (!values || (raw.synthetic && "pbs".includes(key))) values = new Array(this.grid.length).fill(null);
        lap[key] = [...values, key === "t" ? raw.time : null];
      }
      lap.v = lap.v.map((speed) => (speed === null ? null : speed / this.data.perUnit));
      this.laps.set(raw.id, lap);
      return lap;
    }

    // Whether a lap is one of those of which few are shown at once.
    isMore(id) {
      return id in this.data.more;
    }

    // Seconds that `lap` is behind `reference` at every place.
    delta(lap, reference) {
      return lap.t.map((time, i) => (time === null || reference.t[i] === null ? null : (time - reference.t[i]) / 1000));
    }

    at(values, distance) {
      const before = Math.min(Math.floor(distance / this.step), this.x.length - 2);
      const share = (distance - this.x[before]) / (this.x[before + 1] - this.x[before]);
      const [low, high] = [values[before], values[before + 1]];
      if (low === null || high === null) return share < 0.5 ? low : high;
      return low + (high - low) * share;
    }

    // The corner of a place, by the midpoint between neighbours' ends; null on a straight.
    corner(distance) {
      return (
        this.corners.find(({ start, end }) =>
          start <= end ? distance >= start && distance <= end : distance >= start || distance <= end
        ) || null
      );
    }

    get corners() {
      return (this._corners ??= this.data.corners.map(([name, id, start, apex, end, onset]) => ({
        name,
        id,
        start: onset === null ? start : Math.min(onset, start),
        apex,
        end,
      })));
    }

    // Change of a delta in the tiles of each corner, as the tables of corners have it; null where one is not known.
    losses(delta) {
      return this.data.tiles.map((tiles) => {
        const changes = tiles.map(([start, end]) => [this.at(delta, start), this.at(delta, end)]);
        if (!changes.length || changes.flat().includes(null)) return null;
        return changes.reduce((sum, [from, to]) => sum + to - from, 0);
      });
    }

    // What is left of the lap's delta: the straights.
    rest(delta, losses) {
      const total = delta[delta.length - 1];
      return total === null || losses.includes(null) ? null : losses.reduce((left, loss) => left - loss, total);
    }

    // What an address asks for: `?ref=best&laps=14,17`; `vain` says in words what of it is not here.
    asked(search, most) {
      const parameters = new URLSearchParams(search);
      const known = (id) => (this.choices.find((lap) => lap.id === id) || this.choices.find((lap) => String(lap.lap) === id))?.id;
      const wanted = parameters.get("ref");
      const names = (parameters.get("laps") || "").split(",").filter(Boolean);
      const missing = names.filter((name) => !known(name)).map((name) => `lap ${name}`);
      if (wanted && !known(wanted)) missing.unshift(`reference ${wanted}`);
      const ids = [...new Set(names.map(known).filter(Boolean))];
      const more = ids.filter((id) => this.isMore(id));
      const told = [];
      if (missing.length) told.push(`There is no trace of what the address asks for: ${missing.join(", ").slice(0, 60)}.`);
      if (more.length > most) told.push(`The address asks for ${more.length} laps: the first ${most} are shown.`);
      const isLost = names.length > 0 && !ids.length;
      const laps = parameters.has("laps") && !isLost ? ids.filter((id) => !more.slice(most).includes(id)) : null;
      return { ref: known(wanted), laps, vain: told.join(" ") };
    }

    idOf(hash) {
      try {
        return decodeURIComponent(hash.slice(1));
      } catch {
        return hash.slice(1);
      }
    }

    number(value, decimals = 0) {
      if (value === null || !Number.isFinite(value)) return MISSING;
      const fixed = Math.abs(value).toFixed(decimals);
      const [whole, rest] = fixed.split(".");
      const grouped = whole.replace(/\B(?=(\d{3})+$)/g, this.data.comma ? "." : ",");
      const sign = value < 0 && Number(fixed) !== 0 ? MINUS : "";
      return sign + (rest ? `${grouped}${this.data.comma ? "," : "."}${rest}` : grouped);
    }

    signed(value, decimals) {
      const text = this.number(value, decimals);
      return value !== null && value > 0 && Number(value.toFixed(decimals)) !== 0 ? `+${text}` : text;
    }
  }

  window.grxTraces = { Model, decode };
})();
