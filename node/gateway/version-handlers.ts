import { ShoalError } from '../../protocol/errors.ts'
import type { ModelId } from '../../protocol/ids.ts'
import type { ChainClient } from '../chain/client.ts'
import { verifyDeployment } from '../chain/verification.ts'
import { acceptedRounds } from '../learning/versions/accepted-rounds.ts'
import { VersionError } from '../learning/versions/errors.ts'
import type { VersionLine } from '../learning/versions/version-book.ts'
import type { ShoalNode } from '../node.ts'
import type { ControlHandlersOf } from './control-api.ts'
import type { versionMethods } from './version-methods.ts'
import {
  type AcceptedRoundView,
  acceptedRoundView,
  type LineageView,
  lineageStepView,
  type RollbackView,
  type VersionView,
  versionView,
} from './version-views.ts'

/** What the commands about versions of adapters do. */
export function versionHandlers(node: ShoalNode): ControlHandlersOf<keyof typeof versionMethods> {
  const acceptance = () => node.parts.learner.acceptance
  return {
    learnVersions: (): VersionView[] =>
      acceptance()
        .versions.list()
        .map(version => versionView(acceptance(), version))
        .toReversed(),
    learnLineage: async ({ version: name }): Promise<LineageView> => {
      const { versions, lineage } = acceptance()
      const found = versions.find(name)
      const steps = await lineage.of(found.cid)
      const contractProblems = await contractProblemsOf(node)
      const oldest = steps.at(-1)!.version
      const reachesBase = oldest.record.body.parent === null
      const isSound = ({ problem, anchoring }: (typeof steps)[number]) =>
        problem === null && anchoring !== 'wrong' && anchoring !== 'missing'
      return {
        steps: steps.map(step => lineageStepView(acceptance(), step)),
        ...{ base: found.record.body.base, reachesBase, contractProblems },
        holds: reachesBase && steps.every(isSound) && (contractProblems ?? []).length === 0,
      }
    },
    learnRollback: async ({ version: name, base, domain }, _tell, signal): Promise<RollbackView> => {
      const { versions } = acceptance()
      const to = name === null ? lineOf(versions.lines(), base, domain) : { version: versions.find(name) }
      const before = 'version' in to ? { base: to.version.record.body.base, domain: to.version.domain } : to
      const from = versions.current(before.base, before.domain)
      await versions.rollBack(to, signal)
      await acceptance().serving.look()
      return {
        ...{ base: before.base, domain: before.domain, from: from?.record.body.adapter ?? null },
        to: 'version' in to ? to.version.record.body.adapter : null,
      }
    },
    acceptedRounds: async ({ fromMs, toMs }): Promise<AcceptedRoundView[]> => {
      const { client } = node.trade.economy
      const versions = await acceptance().rewarded()
      const wallets = new Set(
        versions.flatMap(({ contributors }) => contributors.map(({ wallet }) => wallet)),
      )
      const keys = new Map(
        await Promise.all(
          [...wallets].map(async wallet => [wallet, await client.nodeKeyOf(wallet)] as const),
        ),
      )
      return acceptedRounds(versions, { fromMs, toMs }, (key, wallet) => keys.get(wallet) === key).map(
        acceptedRoundView,
      )
    },
  }
}

/** The line that is to go back to its base: the one named, or the only one there is. */
function lineOf(
  lines: readonly VersionLine[],
  base: string | null,
  domain: string | null,
): { base: ModelId; domain: string } {
  const fits = lines.filter(
    line => (base === null || line.base.startsWith(base)) && (domain === null || line.domain === domain),
  )
  if (fits.length === 1) return fits[0]!
  throw fits.length === 0
    ? new VersionError('VERSION_UNKNOWN', 'nothing was learned of that base and domain', {
        fix: 'shoal learn versions lists all.',
      })
    : new VersionError('VERSION_AMBIGUOUS', `that may be any of ${fits.length} bases and domains`, {
        fix: 'Name them with --base and --domain.',
        details: { lines: fits.map(line => `${line.base} ${line.domain}`) },
      })
}

/** What is not right with the contracts that hold the anchors; null where the chain does not answer. */
async function contractProblemsOf(node: ShoalNode): Promise<string[] | null> {
  const trade = node.tradeOrNull
  if (trade === null) return null
  const { client } = trade.economy
  try {
    const provider = { request: (call: { method: string; params?: unknown }) => ask(client, call) }
    const checks = await verifyDeployment(client.deployment, { provider })
    return checks.filter(({ ok }) => !ok).map(({ check, detail }) => `${check}: ${detail}`)
  } catch (error) {
    if (error instanceof ShoalError) return null
    throw error
  }
}

function ask(
  client: ChainClient,
  { method, params }: { method: string; params?: unknown },
): Promise<unknown> {
  return client.request(method, (params ?? []) as unknown[])
}
