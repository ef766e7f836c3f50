import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { DownloadBar } from '../../../../cli/ui/download-bar.ts'

/** What a terminal of that width was given. */
class Terminal extends Writable {
  readonly isTTY = true
  readonly columns: number
  written = ''

  constructor(columns: number) {
    super()
    this.columns = columns
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += chunk.toString()
    done()
  }

  /** Each time the line was drawn anew. */
  get drawn(): string[] {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is told to go to the first column
    return this.written.split(/\u001b\[1G|\u001b\[0G/).map(line => stripVTControlCharacters(line))
  }
}

const MB = 1_000_000

describe('DownloadBar', () => {
  it('shows name, share, size, speed and time left', () => {
    const terminal = new Terminal(120)
    const bar = new DownloadBar(terminal)
    bar.show('hf:owner/model:Q8_0', { bytes: 5 * MB, totalBytes: 20 * MB, bytesPerSecond: MB })
    bar.stop()
    assert.ok(
      terminal.drawn.some(line =>
        /^· hf:owner\/model:Q8_0 █{4}░{12} 25 % of 20\.0 MB, 1\.0 MB\/s, 15 s left/.test(line),
      ),
      terminal.written,
    )
    bar.stop()
  })

  it('shortens a long name at its beginning, and says when nothing comes', () => {
    const terminal = new Terminal(120)
    const bar = new DownloadBar(terminal)
    bar.show(`https://example.com/${'folder/'.repeat(9)}model.gguf`, {
      bytes: 0,
      totalBytes: MB,
      bytesPerSecond: 0,
    })
    bar.stop()
    const line = terminal.drawn.find(each => each.startsWith('· '))!
    assert.match(line, /^· ….{21}model\.gguf /)
    assert.match(line, /, waiting/)
  })

  it('lets other lines pass above it', () => {
    const terminal = new Terminal(120)
    const bar = new DownloadBar(terminal)
    bar.above(() => terminal.write('before\n'))
    bar.show('model', { bytes: 1, totalBytes: MB, bytesPerSecond: 0 })
    bar.above(() => terminal.write('between\n'))
    bar.stop()
    bar.above(() => terminal.write('after\n'))
    const plain = terminal.drawn.join('|')
    assert.match(plain, /^before\n.*· model .*between\n.*· model .*after\n$/s)
    assert.equal(terminal.drawn.at(-1), 'after\n')
  })
})
