import { robustLine, settledPart, type Point } from './flatness.ts';

/** Small plots in a grid as one SVG, without any library and for light and dark pages alike. */

export interface Plot {
  title: string;
  unit: string;
  points: readonly Point[];
}

const COLUMNS = 3;
const [WIDTH, HEIGHT] = [300, 150];
const [LEFT, TOP, RIGHT, BOTTOM] = [44, 34, 12, 24];
const GAP = 12;
/** Of the scale that is left free above the highest point. */
const HEADROOM = 1.15;

const STYLE = `
  text { font: 11px system-ui, sans-serif; fill: #57606a }
  .title { font-weight: 600; fill: #1f2328 }
  .panel { fill: #ffffff; stroke: #d0d7de }
  .grid { stroke: #d0d7de; stroke-width: 0.5 }
  .line { fill: none; stroke: #0969da; stroke-width: 1.5; stroke-linejoin: round }
  .trend { stroke: #bc4c00; stroke-width: 1.5; stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 }
    .title { fill: #f0f6fc }
    .panel { fill: #0d1117; stroke: #3d444d }
    .grid { stroke: #3d444d }
    .line { stroke: #4493f8 }
    .trend { stroke: #f0883e }
  }`;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const rounded = (value: number): string => value.toFixed(1).replace(/\.0$/, '');

/** A round number that is no smaller, for the top of a scale. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((each) => each >= value) ?? value;
}

function panel({ title, unit, points }: Plot, left: number, top: number): string {
  const minutes = Math.max(...points.map(({ minute }) => minute), Number.MIN_VALUE);
  const highest = roundUp(Math.max(...points.map(({ value }) => value)) * HEADROOM);
  const x = (minute: number): string => rounded(LEFT + (minute / minutes) * (WIDTH - LEFT - RIGHT));
  const y = (value: number): string => rounded(HEIGHT - BOTTOM - (value / highest) * (HEIGHT - TOP - BOTTOM));
  const part = settledPart(points);
  const [from, to] = [part[0]?.minute ?? 0, part.at(-1)?.minute ?? 0];
  const trend = robustLine(part);
  const levels = [0, highest / 2, highest];
  const last = points.at(-1)?.value ?? 0;
  return `<g transform="translate(${left} ${top})">
  <rect class="panel" width="${WIDTH}" height="${HEIGHT}" rx="6"/>
  <text class="title" x="12" y="20">${escaped(title)}</text>
  <text x="${WIDTH - RIGHT}" y="20" text-anchor="end">${rounded(last)}${unit === '' ? '' : ` ${escaped(unit)}`}</text>
${levels
  .map(
    (level) => `  <line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(level)}" y2="${y(level)}"/>
  <text x="${LEFT - 6}" y="${Number(y(level)) + 4}" text-anchor="end">${rounded(level)}</text>`,
  )
  .join('\n')}
  <text x="${LEFT}" y="${HEIGHT - 8}">0</text>
  <text x="${WIDTH - RIGHT}" y="${HEIGHT - 8}" text-anchor="end">${rounded(minutes)} min</text>
  <polyline class="line" points="${points.map(({ minute, value }) => `${x(minute)},${y(value)}`).join(' ')}"/>
  <line class="trend" x1="${x(from)}" x2="${x(to)}" y1="${y(trend.at(from))}" y2="${y(trend.at(to))}"/>
</g>`;
}

/** Every scale begins at zero, so that what looks flat is. The number is the last one; the dashed line is what is judged by its rise. */
export function figure(plots: readonly Plot[], caption: string): string {
  const rows = Math.ceil(plots.length / COLUMNS);
  const width = COLUMNS * WIDTH + (COLUMNS - 1) * GAP;
  const height = rows * (HEIGHT + GAP) + 16;
  const panels = plots.map((plot, index) => panel(plot, (index % COLUMNS) * (WIDTH + GAP), Math.floor(index / COLUMNS) * (HEIGHT + GAP)));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 ${width + 2} ${height + 2}" width="${width}" height="${height}" role="img" aria-label="${escaped(caption).replaceAll('"', '&quot;')}">
<style>${STYLE}
</style>
${panels.join('\n')}
<text x="2" y="${height - 6}">${escaped(caption)}</text>
</svg>
`;
}
