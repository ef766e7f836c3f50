import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { AdapterServing } from '../../../../../node/learning/versions/adapter-serving.ts'
import type { KnownVersion, VersionLine } from '../../../../../node/learning/versions/version-book.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { BASE, learnedVersion } from '../../../../helpers/learning/learned-version.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'

/** Lines that use what they are told to. */
class Lines extends EventEmitter<{ current: [VersionLine]; accepted: [KnownVersion] }> {
  readonly used = new Map<string, KnownVersion | null>()

  lines(): VersionLine[] {
    return [...this.used].map(([domain, version]) => ({
      ...{ base: BASE, domain, current: version?.cid ?? null, refused: [] },
    }))
  }
  current(_base: string, domain: string): KnownVersion | null {
    return this.used.get(domain) ?? null
  }
  path({ cid }: KnownVersion): string | null {
    return `/files/${cid}`
  }
  use(domain: string, version: KnownVersion | null): void {
    this.used.set(domain, version)
    this.emit('current', this.lines().at(-1)!)
  }
}

const versionOf = (number: number): KnownVersion => {
  const { record, manifest } = learnedVersion({ number })
  const { domain } = manifest.body
  return {
    ...{ cid: record.cid, record, parent: null, domain, endedAtMs: 1, acceptedAtMs: 1 },
    ...{ stakeFor: 1n, participating: 1n },
  }
}

describe('serving what lines of versions use', () => {
  const [first, second] = [versionOf(1), versionOf(2)]
  let versions: Lines
  let done: string[]
  let bases: string[]
  let fails: boolean
  let serving: AdapterServing

  const make = (enabled = true) =>
    new AdapterServing(
      { enabled },
      {
        versions,
        serving: {
          models: () => bases,
          serveAdapter: async ({ path, replaces }) => {
            if (fails) throw new Error('no memory')
            done.push(`serve ${path}${replaces === undefined ? '' : ` for ${replaces}`}`)
            return { id: `model of ${path}` } as never
          },
          retire: async model => {
            done.push(`retire ${model}`)
          },
        },
        clock: new ManualClock(),
        log: silentLog,
      },
    )

  beforeEach(() => {
    versions = new Lines()
    done = []
    bases = [BASE]
    fails = false
    serving = make()
    serving.start()
  })
  afterEach(() => serving.stop())

  const path = ({ cid }: KnownVersion) => `/files/${cid}`

  it('loads the new one in place of the old, and retires it when nothing takes its place', async () => {
    versions.use('notes', first)
    await serving.look()
    versions.use('notes', second)
    await serving.look()
    assert.equal(serving.modelOf(second.cid), `model of ${path(second)}`)
    assert.equal(serving.modelOf(first.cid), null)
    versions.use('notes', null)
    await serving.look()
    assert.deepEqual(done, [
      `serve ${path(first)}`,
      `serve ${path(second)} for model of ${path(first)}`,
      `retire model of ${path(second)}`,
    ])
  })

  it('keeps the old one while the new one cannot be loaded, and tries again', async () => {
    versions.use('notes', first)
    await serving.look()
    fails = true
    versions.use('notes', second)
    await serving.look()
    assert.equal(serving.modelOf(first.cid), `model of ${path(first)}`)
    fails = false
    await serving.look()
    assert.equal(serving.modelOf(second.cid), `model of ${path(second)}`)
  })

  it('serves several domains of a base at once, and only bases that this node serves', async () => {
    bases = []
    versions.use('notes', first)
    versions.use('legal', second)
    await serving.look()
    assert.deepEqual(done, [])
    bases = [BASE]
    await serving.look()
    assert.deepEqual(done.toSorted(), [`serve ${path(first)}`, `serve ${path(second)}`].toSorted())
  })

  it('serves nothing where it is not to', async () => {
    serving.stop()
    serving = make(false)
    serving.start()
    versions.use('notes', first)
    await serving.look()
    assert.deepEqual(done, [])
  })
})
