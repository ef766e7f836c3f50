import assert from 'node:assert/strict'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LearningError } from '../../../../../../node/market/routing/learning/errors.ts'
import { PolicyFile, parsePolicy } from '../../../../../../node/market/routing/learning/policy-file.ts'
import {
  DEFAULT_POLICY,
  type PolicySettings,
} from '../../../../../../node/market/routing/learning/policy-settings.ts'
import { ManualClock } from '../../../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../../../helpers/temporary.ts'

describe('policy file', () => {
  const folders = new TemporaryFolders()
  let path: string
  let clock: ManualClock
  let taken: PolicySettings[]
  let refused: LearningError[]
  let file: PolicyFile

  function make(optional = true): PolicyFile {
    file = new PolicyFile(
      { path, optional },
      {
        clock,
        onPolicy: settings => taken.push(settings),
        onRefused: error => refused.push(error),
      },
    )
    return file
  }
  /** As editors do: whole, under another name first. */
  async function put(content: unknown): Promise<void> {
    await writeFile(`${path}.new`, typeof content === 'string' ? content : JSON.stringify(content))
    await rename(`${path}.new`, path)
  }

  beforeEach(async () => {
    path = join(await folders.make(), 'policy.json')
    clock = new ManualClock()
    taken = []
    refused = []
  })
  afterEach(async () => {
    await file?.stop()
    await folders.remove()
  })

  it('takes in what changes while it runs', async () => {
    await make().start()
    assert.deepEqual(file.settings, DEFAULT_POLICY)
    await put({
      name: 'frugal',
      explorationRate: 0.1,
      weights: { balanced: { cost: 1, time: 0, quality: 0, privacy: 0, nearness: 0 } },
    })
    await clock.advance(2_000)
    await file.check()
    assert.equal(taken.length, 1)
    assert.equal(file.settings.name, 'frugal')
    assert.equal(file.settings.explorationRate, 0.1)
    assert.equal(file.settings.alpha, DEFAULT_POLICY.alpha)
    await file.check()
    assert.equal(taken.length, 1)
    await rm(path)
    await file.check()
    assert.deepEqual(taken[1], DEFAULT_POLICY)
  })

  it('refuses a bad file once, says what is wrong with it, and keeps the old policy until it is mended', async () => {
    await put({ name: 'first' })
    await make().start()
    for (const [content, wrong] of [
      ['{', /no JSON/],
      [{ name: 'second', explorationRate: 0.9 }, /explorationRate/],
      [{ name: 'second', epsilon: 0.1 }, /epsilon/],
      [
        { name: 'second', weights: { balanced: { cost: 0, time: 0, quality: 0, privacy: 0, nearness: 0 } } },
        /at least one/,
      ],
      [{ name: 'Zweite' }, /name/],
      [{}, /name/],
      ['x'.repeat(70_000), /longer than/],
    ] as const) {
      await put(content)
      await file.check()
      await file.check()
      assert.equal(refused.length, 1, String(wrong))
      assert.equal(refused[0]!.code, 'POLICY_INVALID')
      assert.match(refused[0]!.message, wrong)
      assert.equal(file.refusal, refused.pop())
      assert.equal(file.settings.name, 'first')
    }
    assert.deepEqual(taken, [])
    await put({ name: 'second' })
    await file.check()
    assert.equal(file.settings.name, 'second')
    assert.equal(file.refusal, null)
  })

  it('keeps the policy of a file that must be there and is gone', async () => {
    await put({ name: 'first' })
    await make(false).start()
    await rm(path)
    await file.check()
    assert.equal(refused[0]!.code, 'POLICY_UNREADABLE')
    assert.equal(file.settings.name, 'first')
  })

  it('starts nothing by a policy that is not meant', async () => {
    await assert.rejects(make(false).start(), { code: 'POLICY_UNREADABLE' })
    await put('nonsense')
    await assert.rejects(make().start(), { code: 'POLICY_INVALID' })
  })

  it('reads every setting that it knows', () => {
    assert.deepEqual(parsePolicy(JSON.stringify(DEFAULT_POLICY)), DEFAULT_POLICY)
  })
})
