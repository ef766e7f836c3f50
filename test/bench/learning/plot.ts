import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as echarts from 'echarts'

/** Lines over a common kind of x. */
export interface Panel {
  title: string
  xName: string
  yName: string
  series: readonly { name: string; points: readonly (readonly [number, number])[] }[]
  isXLogarithmic?: boolean
}

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url))
const [PANEL_WIDTH, PANEL_HEIGHT, COLUMNS] = [380, 280, 3]
const COLOURS = ['#7f7f7f', '#1f77b4', '#ff7f0e', '#9467bd', '#8c564b', '#e377c2', '#2ca02c', '#d62728']

/** Draws panels beside each other as SVG. */
export function draw(panels: readonly Panel[]): string {
  const columns = Math.min(COLUMNS, panels.length)
  const [width, height] = [columns * PANEL_WIDTH, 40 + Math.ceil(panels.length / columns) * PANEL_HEIGHT]
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  const place = (index: number) => ({
    left: (index % columns) * PANEL_WIDTH + 60,
    top: 40 + Math.floor(index / columns) * PANEL_HEIGHT + 40,
  })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    legend: { top: 8 },
    title: panels.map(({ title }, i) => ({
      text: title,
      textStyle: { fontSize: 13 },
      left: place(i).left,
      top: place(i).top - 34,
    })),
    grid: panels.map((_, i) => ({ ...place(i), width: PANEL_WIDTH - 90, height: PANEL_HEIGHT - 110 })),
    xAxis: panels.map(({ xName, isXLogarithmic }, gridIndex) => ({
      ...{ type: isXLogarithmic ? 'log' : 'value', gridIndex, name: xName },
      ...{ nameLocation: 'middle', nameGap: 24 },
    })),
    yAxis: panels.map(({ yName }, gridIndex) => ({
      ...{ type: 'value', gridIndex, name: yName, nameLocation: 'middle', nameGap: 38, scale: true },
    })),
    series: panels.flatMap(({ series }, index) =>
      series.map(({ name, points }) => ({
        ...{ type: 'line', name, xAxisIndex: index, yAxisIndex: index, symbolSize: 5 },
        data: points.map(([x, y]) => [x, y]),
      })),
    ),
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

/** Writes a file beside the other results. */
export async function writeResult(name: string, content: string): Promise<void> {
  const path = join(RESULTS, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}

/** A table in Markdown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |\n`).join('')
}
