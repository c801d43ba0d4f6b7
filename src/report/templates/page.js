// What a page can do beyond being read: tables are sorted and filtered, charts hovered and zoomed.
// Without scripts every table and drawing is there all the same.
(() => {
  'use strict';
  const root = document.documentElement;
  root.classList.add('js');

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // Numbers by value, other texts by alphabet, missing ones last.
  const keyOf = (cell) => {
    const text = (cell.dataset.sort ?? cell.firstChild?.textContent ?? '').trim();
    if (text === '' || text === '–' || text === 'not measured') return null;
    const number = Number(text);
    return Number.isNaN(number) ? text.toLowerCase() : number;
  };
  const compare = (a, b) => {
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    return String(a).localeCompare(String(b), undefined, {numeric: true});
  };

  function makeSortable(table) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    heads.forEach((head, column) => {
      const button = element('button', {type: 'button', textContent: head.textContent});
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const up = head.getAttribute('aria-sort') !== 'ascending';
        heads.forEach((other) => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
        const rows = [...body.rows].map((row) => ({row, key: keyOf(row.cells[column])}));
        rows.sort((a, b) => {
          const pinned = b.row.classList.contains('ref') - a.row.classList.contains('ref');
          if (pinned !== 0) return pinned;
          if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
          return up ? compare(a.key, b.key) : compare(b.key, a.key);
        });
        body.append(...rows.map((entry) => entry.row));
      });
    });
  }

  function addFilter(holder, table, tools) {
    const rows = [...table.tBodies[0].rows];
    const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
    const field = element('input', {type: 'search', placeholder: `filter ${holder.dataset.filter}`});
    field.setAttribute('aria-label', field.placeholder);
    const count = element('output', {});
    field.addEventListener('input', () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        row.hidden = !words.every((word) => texts.get(row).includes(word));
        shown += row.hidden ? 0 : 1;
      }
      count.textContent = words.length ? `${shown} of ${rows.length}` : '';
    });
    tools.append(field, count);
  }

  // A button for each group of columns that hides it.
  function addGroups(table, tools) {
    const groups = [...(table.querySelector('tr.groups')?.cells ?? [])];
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    for (const group of groups) {
      const label = group.textContent;
      if (label === '' || heads[0].dataset.group === label) continue;
      const columns = heads.flatMap((head, i) => (head.dataset.group === label ? [i] : []));
      const button = element('button', {type: 'button', textContent: label});
      button.setAttribute('aria-pressed', 'true');
      button.addEventListener('click', () => {
        const show = button.getAttribute('aria-pressed') !== 'true';
        button.setAttribute('aria-pressed', String(show));
        group.hidden = !show;
        for (const row of [heads[0].parentElement, ...table.tBodies[0].rows]) {
          for (const column of columns) row.cells[column].hidden = !show;
        }
        window.dispatchEvent(new Event('resize'));
      });
      tools.append(button);
    }
  }

  for (const holder of document.querySelectorAll('.table')) {
    const table = holder.querySelector('table');
    const scroll = holder.querySelector('.scroll');
    const tools = element('div', {className: 'tools'});
    makeSortable(table);
    if (holder.dataset.filter && table.tBodies[0].rows.length > 3) addFilter(holder, table, tools);
    addGroups(table, tools);
    if (tools.children.length) holder.prepend(tools);
    const cue = () => holder.classList.toggle(
        'more', scroll.scrollLeft + scroll.clientWidth < scroll.scrollWidth - 2);
    scroll.addEventListener('scroll', cue, {passive: true});
    new ResizeObserver(cue).observe(scroll);
    window.addEventListener('resize', cue);
    holder.closest('details')?.addEventListener('toggle', cue);
    cue();
  }

  // Charts. What is drawn stands in the page as JSON: {kind: "scatter" | "line", x, y (labels),
  // series: [{label, colour, dashes, points: [[x, y, text, sx, sy], …]}], lines: [{axis, at, label}]}.
  const holder = document.getElementById('charts');
  if (!holder || typeof Chart === 'undefined') return;
  const charts = JSON.parse(holder.textContent);
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const short = (value) => Number(value.toPrecision(4)).toString();

  // Lines across the plot with a label, and whiskers of one standard deviation.
  const extras = {
    id: 'extras',
    afterDatasetsDraw(chart, _, {lines = []}) {
      const {ctx, chartArea: area, scales} = chart;
      ctx.save();
      ctx.font = '11px sans-serif';
      for (const line of lines) {
        const at = scales[line.axis].getPixelForValue(line.at);
        const vertical = line.axis === 'x';
        const inside = vertical ? at >= area.left && at <= area.right
                                : at >= area.top && at <= area.bottom;
        if (!inside) continue;
        ctx.strokeStyle = ctx.fillStyle = colour('--soft');
        ctx.setLineDash([6, 4]);
        ctx.beginPath();
        ctx.moveTo(vertical ? at : area.left, vertical ? area.top : at);
        ctx.lineTo(vertical ? at : area.right, vertical ? area.bottom : at);
        ctx.stroke();
        if (vertical) {
          const left = at > (area.left + area.right) / 2;
          ctx.textAlign = left ? 'right' : 'left';
          ctx.fillText(line.label, at + (left ? -4 : 4), area.bottom - 20 - 13 * (line.place ?? 0));
        } else {
          ctx.textAlign = 'left';
          ctx.fillText(line.label, area.left + 4, at + (at > area.top + 16 ? -4 : 12));
        }
      }
      ctx.setLineDash([]);
      const labels = chart.config.options.labelled;
      chart.data.datasets.forEach((set, i) => {
        if (!chart.isDatasetVisible(i)) return;
        ctx.strokeStyle = set.borderColor;
        for (const point of set.data) {
          const x = scales.x.getPixelForValue(point.x);
          const y = scales.y.getPixelForValue(point.y);
          ctx.beginPath();
          if (point.sx) {
            ctx.moveTo(scales.x.getPixelForValue(point.x - point.sx), y);
            ctx.lineTo(scales.x.getPixelForValue(point.x + point.sx), y);
          }
          if (point.sy) {
            ctx.moveTo(x, scales.y.getPixelForValue(point.y - point.sy));
            ctx.lineTo(x, scales.y.getPixelForValue(point.y + point.sy));
          }
          ctx.stroke();
          if (!labels) continue;
          const left = x > (area.left + area.right) / 2;
          ctx.fillStyle = colour('--text');
          ctx.textAlign = left ? 'right' : 'left';
          ctx.fillText(set.label, x + (left ? -10 : 10), y + 4);
        }
      });
      ctx.restore();
    },
  };

  // Dragging over the plot shows that part of it; a double click shows all again.
  function makeZoomable(chart) {
    const canvas = chart.canvas;
    let begin = null;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return {x: event.clientX - box.left, y: event.clientY - box.top};
    };
    const set = (axis, min, max) => Object.assign(chart.options.scales[axis], {min, max});
    canvas.addEventListener('mousedown', (event) => { begin = place(event); });
    canvas.addEventListener('mouseup', (event) => {
      const from = begin, to = place(event);
      begin = null;
      if (!from || Math.abs(to.x - from.x) < 12 || Math.abs(to.y - from.y) < 12) return;
      for (const axis of ['x', 'y']) {
        const scale = chart.scales[axis];
        const ends = [from[axis], to[axis]].map((p) => scale.getValueForPixel(p));
        set(axis, Math.min(...ends), Math.max(...ends));
      }
      chart.update('none');
    });
    canvas.addEventListener('dblclick', () => {
      const all = chart.config.options.whole;
      for (const axis of ['x', 'y']) set(axis, all[axis].min, all[axis].max);
      chart.update('none');
    });
  }

  function draw(canvas, spec) {
    const axis = (label, range) => ({
      type: 'linear',
      min: range?.[0],
      max: range?.[1],
      title: {display: true, text: label, color: colour('--text')},
      grid: {color: colour('--line')},
      ticks: {color: colour('--soft')},
    });
    const scatter = spec.kind === 'scatter';
    // Few single dots get their names beside them instead of a legend.
    const labelled = scatter && spec.series.length <= 10 &&
        spec.series.every((series) => series.points.length === 1);
    const chart = new Chart(canvas, {
      type: spec.kind,
      data: {
        datasets: spec.series.map((series) => ({
          label: series.label,
          data: series.points.map(([x, y, text, sx, sy]) => ({x, y, text, sx, sy})),
          borderColor: series.colour,
          backgroundColor: series.colour,
          borderDash: series.dashes ?? [],
          borderWidth: 2,
          pointRadius: scatter ? 6 : series.points.length > 40 ? 0 : 2.5,
          pointHoverRadius: scatter ? 8 : 5,
          pointStyle: series.ruined ? 'crossRot' : 'circle',
          tension: 0,
        })),
      },
      options: {
        animation: false,
        labelled,
        responsive: true,
        maintainAspectRatio: false,
        parsing: false,
        interaction: scatter ? {mode: 'nearest', intersect: true}
                             : {mode: 'nearest', axis: 'xy', intersect: false},
        scales: {x: axis(spec.x, spec.x_range), y: axis(spec.y, spec.y_range)},
        whole: {x: {min: spec.x_range?.[0], max: spec.x_range?.[1]},
                y: {min: spec.y_range?.[0], max: spec.y_range?.[1]}},
        plugins: {
          extras: {lines: spec.lines ?? []},
          title: {display: Boolean(spec.title), text: spec.title, color: colour('--text')},
          legend: {
            display: spec.series.length > 1 && !labelled,
            position: 'bottom',
            labels: {color: colour('--text'), usePointStyle: scatter, boxWidth: scatter ? 8 : 22,
                     boxHeight: scatter ? 8 : 2},
          },
          tooltip: {
            callbacks: {
              title: () => '',
              label: ({dataset, raw}) => [
                raw.text ?? dataset.label,
                `${spec.x}: ${short(raw.x)}${raw.sx ? ` ± ${short(raw.sx)}` : ''}`,
                `${spec.y}: ${short(raw.y)}${raw.sy ? ` ± ${short(raw.sy)}` : ''}`,
              ],
            },
          },
        },
      },
      plugins: [extras],
    });
    makeZoomable(chart);
    return chart;
  }

  const drawn = [];
  for (const figure of document.querySelectorAll('figure[data-chart]')) {
    const canvas = element('canvas', {});
    const plot = element('div', {className: 'plot'}, canvas);
    figure.querySelector('.drawing').replaceWith(plot);
    const hint = 'Hover for values; drag to zoom, double click for all.';
    const caption = figure.querySelector('figcaption') ?? element('figcaption', {});
    caption.append(caption.textContent ? ` ${hint}` : hint);
    figure.append(caption);
    const spec = charts[Number(figure.dataset.chart)];
    drawn.push({canvas, spec, chart: draw(canvas, spec)});
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const one of drawn) {
      one.chart.destroy();
      one.chart = draw(one.canvas, one.spec);
    }
  });
})();
