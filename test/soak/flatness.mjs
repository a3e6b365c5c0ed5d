// Does a series of samples grow? By the Theil–Sen slope, the median of the slopes between all
// pairs, which neither a late collection nor a burst of somebody else's work moves.

/** Samples before this share of the time are not judged: code is compiled, pools are filled. */
const WARM_UP_SHARE = 0.25

/**
 * @param {{ seconds: number, bytes: number }[]} samples
 * @returns {number} bytes by which the series grew from the end of the warm-up to its end
 */
export function growthOf(samples) {
  const first = (samples.at(-1)?.seconds ?? 0) * WARM_UP_SHARE
  const judged = samples.filter(({ seconds }) => seconds >= first)
  if (judged.length < 3) throw new Error(`${judged.length} samples after the warm-up; wanted 3`)
  const slopes = []
  for (const [index, late] of judged.entries()) {
    for (const early of judged.slice(0, index)) {
      slopes.push((late.bytes - early.bytes) / (late.seconds - early.seconds))
    }
  }
  slopes.sort((a, b) => a - b)
  const slope = slopes[slopes.length >> 1]
  return slope * (judged.at(-1).seconds - judged[0].seconds)
}

const BARS = '▁▂▃▄▅▆▇█'

/** The series in one line of text, from its least to its greatest value. */
export function sparkline(samples, columns = 60) {
  const values = samples.map(({ bytes }) => bytes)
  const least = Math.min(...values)
  const range = Math.max(...values) - least || 1
  const step = Math.max(1, values.length / columns)
  let line = ''
  for (let at = 0; at < values.length; at += step) {
    line += BARS[Math.round(((values[Math.floor(at)] - least) / range) * (BARS.length - 1))]
  }
  return line
}

/** The series over time as an SVG image, each from zero to the greatest value of all. */
export function plot(series) {
  const [width, height] = [800, 300]
  const colours = ['#c33', '#36c', '#393', '#939', '#c90', '#099']
  const all = series.flatMap(({ samples }) => samples)
  const seconds = Math.max(...all.map((sample) => sample.seconds))
  const bytes = Math.max(...all.map((sample) => sample.bytes))
  const lines = series.map(({ name, samples }, index) => {
    const colour = colours[index % colours.length]
    const points = samples.map(
      (sample) =>
        `${Math.round((sample.seconds / seconds) * width)},` +
        `${Math.round(height - (sample.bytes / bytes) * height * 0.95)}`,
    )
    return `<polyline fill="none" stroke="${colour}" points="${points.join(' ')}"/>
<text x="8" y="${20 + index * 16}" fill="${colour}">${name}</text>`
  })
  const title = `0 to ${Math.round(seconds)} s, 0 to ${(bytes / 2 ** 20).toFixed(1)} MiB`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
${lines.join('\n')}
<text x="${width - 8}" y="20" text-anchor="end">${title}</text>
</svg>
`
}
