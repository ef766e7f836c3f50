// @ts-expect-error -- it has no types
import asciichart from 'asciichart'

interface AsciiChart {
  plot(
    series: readonly number[] | readonly (readonly number[])[],
    options: { height: number; format: (value: number) => string; colors?: readonly string[] },
  ): string
  blue: string
  green: string
}

const chart = asciichart as AsciiChart

/** One line, or two in blue and green, drawn of characters; of each at least two values. */
export function drawLines(
  lines: readonly (readonly number[])[],
  options: { rows: number; format: (value: number) => string },
): string {
  const { rows: height, format } = options
  return lines.length === 1
    ? chart.plot(lines[0]!, { height, format })
    : chart.plot(lines, { height, format, colors: [chart.blue, chart.green] })
}
