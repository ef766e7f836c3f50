/** One context that makes tokens with a fixed number of threads. */
export interface ThreadTrial {
  threads: number
  /** Makes one token. */
  step(): Promise<void>
}

export interface ThreadChoice {
  threads: number
  /** 1,000 over the median milliseconds of one token. */
  tokensPerSecond: number
}

export interface ThreadMeasurement extends ThreadChoice {
  /** Whether every candidate was given a fair trial within the budget. */
  isComplete: boolean
}

/** Rounds over all candidates: one busy moment of the machine then spoils one round, not one candidate. */
const ROUNDS = 3
const MIN_STEPS_PER_TURN = 2
const MAX_STEPS_PER_TURN = 64
/** More threads must win by this factor: they leave the machine less for everything else. */
const MIN_GAIN = 1.05
/** More threads that are so many times slower than fewer are given up at once. */
const HOPELESS = 3

/** Above this one thread is too slow to be worth the time of trying it. */
const MAX_SINGLE_THREAD_PARAMETERS = 2_000_000_000

/**
 * Thread counts worth trying, the most important first: one, all, half, and all but one. Small models
 * lose more to the threads waiting for each other than they win, and on a busy machine waiting
 * threads cost far more than on an idle one, while a single one always gets on.
 */
export function threadCandidates(cores: number, parameterCount: number): number[] {
  const isSingleTried = cores === 1 || parameterCount <= MAX_SINGLE_THREAD_PARAMETERS
  const counts = [isSingleTried ? 1 : cores, cores, Math.ceil(cores / 2), cores - 1]
  return [...new Set(counts)].filter(threads => threads >= (isSingleTried ? 1 : 2))
}

/**
 * Runs the trials in turn, each for its share of `budgetMs`, and returns the fastest. It ends within
 * the budget and one token: of a slow model only the most plausible candidates are tried.
 * @param modules.nowMs monotonic clock
 */
export async function measureThreads(
  options: { budgetMs: number },
  modules: { trials: readonly ThreadTrial[]; nowMs: () => number },
): Promise<ThreadMeasurement> {
  const { trials, nowMs } = modules
  const startedMs = nowMs()
  const turnMs = options.budgetMs / (trials.length * ROUNDS)
  const durations = new Map<ThreadTrial, number[]>()

  const timedStep = async (trial: ThreadTrial): Promise<number> => {
    const stepStartedMs = nowMs()
    await trial.step()
    return nowMs() - stepStartedMs
  }
  const isSpent = () => nowMs() - startedMs >= options.budgetMs

  for (let round = 0; round < ROUNDS; round++) {
    for (const trial of trials) {
      if (isSpent() && durations.size > 0) return fastest(trials, durations)
      const steps = durations.get(trial) ?? []
      if (isHopeless(trial, steps, durations)) continue
      // The first token of a context warms caches; it counts only when there is no time for more.
      const warmUpMs = round === 0 ? await timedStep(trial) : 0
      if (round === 0 && isSpent()) steps.push(warmUpMs)
      durations.set(trial, steps)
      const turnStartedMs = nowMs()
      for (let step = 0; step < MAX_STEPS_PER_TURN && !isSpent(); step++) {
        if (step >= MIN_STEPS_PER_TURN && nowMs() - turnStartedMs >= turnMs) break
        if (isHopeless(trial, steps, durations)) break
        steps.push(await timedStep(trial))
      }
    }
  }
  return fastest(trials, durations)
}

/**
 * Whether more threads were so much slower than fewer that going on would only take time: where
 * threads wait for each other on a busy machine a token can take a hundred times as long.
 */
function isHopeless(
  trial: ThreadTrial,
  steps: readonly number[],
  durations: ReadonlyMap<ThreadTrial, readonly number[]>,
): boolean {
  if (steps.length < MIN_STEPS_PER_TURN) return false
  const own = median(steps)
  for (const [other, otherSteps] of durations) {
    if (other.threads < trial.threads && otherSteps.length > 0 && own > HOPELESS * median(otherSteps))
      return true
  }
  return false
}

function fastest(
  trials: readonly ThreadTrial[],
  durations: ReadonlyMap<ThreadTrial, readonly number[]>,
): ThreadMeasurement {
  const measured = [...durations]
    .filter(([, steps]) => steps.length > 0)
    .map(([trial, steps]) => ({
      threads: trial.threads,
      tokensPerSecond: 1_000 / Math.max(median(steps), 1e-3),
    }))
    .sort((a, b) => a.threads - b.threads)
  let best = measured[0]
  if (best === undefined) throw new RangeError('nothing was measured')
  for (const candidate of measured) {
    if (candidate.tokensPerSecond > best.tokensPerSecond * MIN_GAIN) best = candidate
  }
  const isComplete = trials.every(trial => (durations.get(trial)?.length ?? 0) >= MIN_STEPS_PER_TURN)
  return { ...best, isComplete }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
