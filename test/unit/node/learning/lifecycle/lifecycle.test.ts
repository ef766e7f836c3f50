import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import fc from 'fast-check'
import {
  type LearningKind,
  LearningLifecycle,
  type LearningWork,
} from '../../../../../node/learning/lifecycle/lifecycle.ts'
import type { Limit, LimitVerdict } from '../../../../../node/learning/lifecycle/limits/limit.ts'
import { isShoalError } from '../../../../../protocol/errors.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock, settle } from '../../../../helpers/manual-clock.ts'

const QUIET_MS = 10_000
const CHECK_MS = 5_000

/** Work whose every step the test decides. */
class Work implements LearningWork<string> {
  readonly name: string
  readonly kind: LearningKind
  begun = 0
  doing: 'nothing' | 'running' | 'paused' = 'nothing'
  done = Promise.withResolvers<string>()
  /** Held back while set. */
  pausing: PromiseWithResolvers<void> | null = null
  readonly #isPausable: boolean

  constructor(name: string, kind: LearningKind = 'learning', isPausable = true) {
    this.name = name
    this.kind = kind
    this.#isPausable = isPausable
  }

  begin(signal: AbortSignal) {
    this.begun++
    this.doing = 'running'
    const done = Promise.withResolvers<string>()
    this.done = done
    signal.addEventListener('abort', () => done.reject(new Error('ended')))
    const ended = () => {
      this.doing = 'nothing'
    }
    done.promise.then(ended, ended)
    if (!this.#isPausable) return done.promise
    return Object.assign(done.promise, {
      pause: async () => {
        await this.pausing?.promise
        this.doing = 'paused'
      },
      resume: async () => {
        this.doing = 'running'
      },
    })
  }
}

class Switch implements Limit {
  readonly code = 'memory'
  verdict: LimitVerdict = { kind: 'allowed' }
  async check() {
    return this.verdict
  }
}

function make(limits: Limit[] = []) {
  const clock = new ManualClock()
  const lifecycle = new LearningLifecycle(
    { quietMs: QUIET_MS, checkEveryMs: CHECK_MS, yieldWithinMs: 2_000 },
    { clock, log: silentLog, limits },
  )
  lifecycle.start()
  return { clock, lifecycle }
}

/** Stops it, and sees that what had not ended by then is refused. */
async function stopped(lifecycle: LearningLifecycle, ...unfinished: Promise<unknown>[]): Promise<void> {
  const refused = unfinished.map(work => rejects(work, error => isShoalError(error, 'LIFECYCLE_STOPPED')))
  await lifecycle.stop()
  await Promise.all(refused)
}

describe('the lifecycle of learning', () => {
  it('learns while there is nothing else, and goes idle again', async () => {
    const { lifecycle } = make()
    equal(lifecycle.status().state, 'idle')
    const work = new Work('a round')
    const result = lifecycle.run(work)
    await settle()
    equal(lifecycle.status().state, 'learning')
    deepEqual(lifecycle.status().current, { name: 'a round', kind: 'learning', phase: 'running' })
    work.done.resolve('learnt')
    equal(await result, 'learnt')
    equal(lifecycle.status().state, 'idle')
    await lifecycle.stop()
  })

  it('yields the moment a task comes, and goes on when it has been quiet', async () => {
    const { clock, lifecycle } = make()
    const work = new Work('a')
    const unfinished = lifecycle.run(work)
    await settle()
    const states: string[] = []
    lifecycle.onStatus(({ state }) => void (states.at(-1) === state || states.push(state)))
    work.pausing = Promise.withResolvers()
    const ended = lifecycle.taskBegan()
    equal(lifecycle.status().state, 'working')
    await clock.advance(300)
    work.pausing.resolve()
    await settle()
    equal(work.doing, 'paused')
    equal(lifecycle.status().lastYieldMs, 300)
    deepEqual(lifecycle.status().hindrances, [{ code: 'tasks', message: 'tasks come first' }])

    ended()
    ended()
    await clock.advance(QUIET_MS - 1)
    equal(work.doing, 'paused')
    // Another task in between begins the wait anew.
    lifecycle.taskBegan()()
    await clock.advance(QUIET_MS - 1)
    equal(work.doing, 'paused')
    await clock.advance(1)
    equal(work.doing, 'running')
    equal(work.begun, 1)
    deepEqual(states, ['working', 'idle', 'working', 'idle', 'learning'])
    await stopped(lifecycle, unfinished)
  })

  it('ends what does not yield in time, and begins it again later', async () => {
    const { clock, lifecycle } = make()
    const work = new Work('stubborn')
    const result = lifecycle.run(work)
    await settle()
    work.pausing = Promise.withResolvers()
    const ended = lifecycle.taskBegan()
    await clock.advance(1_999)
    equal(work.doing, 'running')
    await clock.advance(1)
    equal(work.doing, 'nothing')
    ended()
    await clock.advance(QUIET_MS)
    equal(work.begun, 2)
    work.done.resolve('after all')
    equal(await result, 'after all')
    await lifecycle.stop()
  })

  it('pauses for limits, ends where they want memory, and says which', async () => {
    const limit = new Switch()
    const { clock, lifecycle } = make([limit])
    const work = new Work('a')
    const unfinished = lifecycle.run(work)
    await settle()
    limit.verdict = { kind: 'hindered', message: 'hot', frees: false }
    await clock.advance(CHECK_MS)
    equal(work.doing, 'paused')
    deepEqual(lifecycle.status().hindrances, [{ code: 'memory', message: 'hot' }])
    equal(lifecycle.status().state, 'idle')
    // A paused one holds its memory, too.
    limit.verdict = { kind: 'hindered', message: 'short', frees: true }
    await clock.advance(CHECK_MS)
    equal(work.doing, 'nothing')
    equal(lifecycle.status().current?.phase, 'waiting')
    limit.verdict = { kind: 'unknown', message: 'nobody knows' }
    await clock.advance(CHECK_MS)
    equal(work.begun, 2)
    deepEqual(lifecycle.status().unknown, ['nobody knows'])
    await stopped(lifecycle, unfinished)
  })

  it('does not begin before the limits were looked at', async () => {
    const limit = new Switch()
    limit.verdict = { kind: 'hindered', message: 'no', frees: false }
    const { lifecycle } = make([limit])
    const work = new Work('a')
    const unfinished = lifecycle.run(work)
    await settle()
    equal(work.begun, 0)
    await stopped(lifecycle, unfinished)
  })

  it('takes a limit that cannot be read for unknown', async () => {
    const { lifecycle } = make([{ code: 'power', check: () => Promise.reject(new Error('gone')) }])
    const work = new Work('a')
    const unfinished = lifecycle.run(work)
    await settle()
    equal(work.begun, 1)
    deepEqual(lifecycle.status().unknown, ['power could not be read'])
    await stopped(lifecycle, unfinished)
  })

  it('judges before it trains, outside the hours of training, too', async () => {
    const hours: Limit & { verdict: LimitVerdict } = {
      code: 'hours',
      verdict: { kind: 'allowed' },
      check: async () => hours.verdict,
    }
    const { clock, lifecycle } = make([hours])
    const [first, second, judging] = [
      new Work('first'),
      new Work('second'),
      new Work('judging', 'aggregating', false),
    ]
    const unfinished = [first, second].map(work => lifecycle.run(work))
    await settle()
    deepEqual([first.doing, second.doing], ['running', 'nothing'])
    const judged = lifecycle.run(judging)
    await settle()
    deepEqual([first.doing, judging.doing, lifecycle.status().state], ['paused', 'running', 'aggregating'])
    hours.verdict = { kind: 'hindered', message: 'late', frees: false }
    await clock.advance(CHECK_MS)
    equal(judging.doing, 'running')
    judging.done.resolve('judged')
    equal(await judged, 'judged')
    deepEqual([first.doing, second.doing], ['paused', 'nothing'])
    hours.verdict = { kind: 'allowed' }
    await clock.advance(CHECK_MS)
    deepEqual([first.doing, second.doing], ['running', 'nothing'])
    await stopped(lifecycle, ...unfinished)
  })

  it('passes on what the work throws, ends what is cancelled, and refuses too much', async () => {
    const { lifecycle } = make()
    const failing = new Work('failing')
    const failed = lifecycle.run(failing)
    const signal = new AbortController()
    const cancelled = lifecycle.run(new Work('waiting'), { signal: signal.signal })
    cancelled.catch(() => {})
    await settle()
    failing.done.reject(new Error('diverged'))
    await rejects(failed, /diverged/)
    signal.abort()
    await rejects(cancelled, error => isShoalError(error, 'CANCELLED'))
    const broken = {
      name: 'broken',
      kind: 'learning' as const,
      begin: () => {
        throw new Error('cannot begin')
      },
    }
    await rejects(lifecycle.run(broken), /cannot begin/)
    const many = Array.from({ length: 64 }, () => lifecycle.run(new Work('one of many')))
    for (const one of many) one.catch(() => {})
    await rejects(lifecycle.run(new Work('one too many')), error => isShoalError(error, 'LIFECYCLE_FULL'))
    await lifecycle.stop()
    await lifecycle.stop()
    for (const one of many) await rejects(one, error => isShoalError(error, 'LIFECYCLE_STOPPED'))
    await rejects(lifecycle.run(new Work('late')), error => isShoalError(error, 'LIFECYCLE_STOPPED'))
  })

  it('never computes beside a task, never two at once, and loses no work, whatever happens', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('task', 'end', 'wait', 'train', 'judge', 'finish', 'hot', 'short', 'fine'), {
          maxLength: 60,
        }),
        async happenings => {
          const limit = new Switch()
          const { clock, lifecycle } = make([limit])
          const works: Work[] = []
          const finished: Promise<unknown>[] = []
          const tasks: (() => void)[] = []
          for (const happening of happenings) {
            if (happening === 'task') tasks.push(lifecycle.taskBegan())
            else if (happening === 'end') tasks.shift()?.()
            else if (happening === 'wait') await clock.advance(QUIET_MS)
            else if (happening === 'train' || happening === 'judge') {
              const work = new Work(happening, happening === 'train' ? 'learning' : 'aggregating')
              works.push(work)
              finished.push(lifecycle.run(work))
            } else if (happening === 'finish')
              works.find(({ doing }) => doing === 'running')?.done.resolve('done')
            else
              limit.verdict =
                happening === 'fine'
                  ? { kind: 'allowed' }
                  : { kind: 'hindered', message: happening, frees: happening === 'short' }
            await settle()
            const running = works.filter(({ doing }) => doing === 'running').length
            ok(running <= (tasks.length > 0 ? 0 : 1), happening)
          }
          limit.verdict = { kind: 'allowed' }
          for (const end of tasks) end()
          for (const _ of works) {
            await clock.advance(QUIET_MS + CHECK_MS)
            works.find(({ doing }) => doing === 'running')?.done.resolve('done')
            await settle()
          }
          deepEqual(
            await Promise.all(finished),
            works.map(() => 'done'),
          )
          await lifecycle.stop()
        },
      ),
      { numRuns: 60 },
    )
  })
})
