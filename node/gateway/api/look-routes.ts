import { z } from 'zod'
import { HISTORY_SPANS } from '../../market/history-spans.ts'
import { controlMethods } from '../control-api.ts'
import { EARNING_SPANS, earningsView } from '../earning-views.ts'
import type { GatewayPlugin } from '../http/plugin.ts'
import { mapView } from '../map-views.ts'
import type { MarketView } from '../market-views.ts'
import { pricesView } from '../price-views.ts'
import type { StatusView } from '../views.ts'
import { assertOwners, type ControlRoute } from './control-routes.ts'
import { principalOf } from './event-routes.ts'

const tags = z
  .string()
  .max(2_000)
  .transform(text => text.split(',').filter(tag => tag !== ''))
const span = z.enum(HISTORY_SPANS)
const model = z.string().min(1).max(200)

/** What the node tells of itself, its network and its market. */
export const LOOK_ROUTES: readonly ControlRoute[] = [
  {
    ...{ method: 'GET', url: '/api/status', control: 'status', needs: 'look', tag: 'node' },
    summary: 'How the node is doing',
    forOthers: publicStatus,
  },
  {
    ...{ method: 'GET', url: '/api/doctor', control: 'doctor', needs: 'look', isPrivate: true, tag: 'node' },
    summary: 'How the node is doing, and which bootstraps do not answer',
  },
  {
    ...{ method: 'GET', url: '/api/models', control: 'models', needs: 'look', tag: 'node' },
    summary: 'Models on the machine, and what is offered',
  },
  {
    ...{ method: 'GET', url: '/api/peers', control: 'peers', needs: 'look', tag: 'network' },
    summary: 'Peers that are connected',
  },
  {
    ...{ method: 'GET', url: '/api/peers/:peer', control: 'peer', needs: 'look', tag: 'network' },
    summary: 'What this node thinks of a peer, and why',
    params: z.strictObject({ peer: z.string().min(1).max(64) }),
  },
  {
    ...{ method: 'GET', url: '/api/offers', control: 'offers', needs: 'look', tag: 'market' },
    summary: 'What is offered, and by whom',
    querystring: controlMethods.offers
      .extend({ tags: tags.optional(), limit: z.coerce.number().int().min(1).max(1_000).optional() })
      .partial(),
  },
  {
    ...{ method: 'GET', url: '/api/market', control: 'market', needs: 'look', tag: 'market' },
    summary: 'The market, own prices in it, and why no tasks come',
    querystring: z.strictObject({ model: model.optional(), span: span.optional() }),
    forOthers: publicMarket,
  },
  {
    ...{ method: 'GET', url: '/api/wallet', control: 'wallet', needs: 'look', isPrivate: true, tag: 'money' },
    summary: 'The node’s money: balances, channels, what is locked and unclaimed',
  },
  {
    ...{ method: 'GET', url: '/api/stake', control: 'stake', needs: 'look', isPrivate: true, tag: 'money' },
    summary: 'What the node has at stake, and for which roles',
  },
  {
    ...{ method: 'GET', url: '/api/learn', control: 'learning', needs: 'look', tag: 'learning' },
    summary: 'How learning goes here, and its rounds',
  },
  {
    ...{ method: 'GET', url: '/api/learn/rounds', control: 'rounds', needs: 'look', tag: 'learning' },
    summary: 'Rounds of learning',
  },
  {
    ...{ method: 'GET', url: '/api/learn/rounds/:round', control: 'round', needs: 'look', tag: 'learning' },
    summary: 'A round: its terms, members and loss curve',
    params: z.strictObject({ round: z.string().min(1).max(128) }),
  },
  {
    ...{
      method: 'GET',
      url: '/api/learn/versions',
      control: 'learnVersions',
      needs: 'look',
      tag: 'learning',
    },
    summary: 'Versions of adapters that were accepted, the newest first',
  },
  {
    ...{ method: 'GET', url: '/api/learn/versions/:version', control: 'learnLineage', needs: 'look' },
    ...{
      tag: 'learning',
      summary: 'Where a version comes from, step by step to its base, and what proves it',
    },
    params: z.strictObject({ version: z.string().min(1).max(200) }),
  },
  {
    ...{ method: 'GET', url: '/api/learn/twin', control: 'twin', needs: 'look', isPrivate: true },
    ...{ tag: 'learning', summary: 'The personal twin of the owner' },
  },
  {
    ...{ method: 'GET', url: '/api/route', control: 'routePolicy', needs: 'look', isPrivate: true },
    ...{ tag: 'routing', summary: 'How providers are chosen: the policy, and what was learned' },
    fixed: { forget: false },
  },
  {
    ...{ method: 'GET', url: '/api/route/tasks/:taskId', control: 'routeExplain', needs: 'look' },
    ...{ isPrivate: true, tag: 'routing', summary: 'Why a task went where it did' },
    params: controlMethods.routeExplain,
  },
  {
    ...{ method: 'GET', url: '/api/disputes', control: 'disputes', needs: 'look', isPrivate: true },
    ...{ tag: 'trust', summary: 'Disputes in court and juries of this node' },
  },
  {
    ...{ method: 'GET', url: '/api/disputes/:name', control: 'dispute', needs: 'look', isPrivate: true },
    ...{ tag: 'trust', summary: 'A dispute with its jury' },
    params: controlMethods.dispute,
  },
  {
    ...{ method: 'GET', url: '/api/calibrations', control: 'calibrations', needs: 'look' },
    ...{ tag: 'trust', summary: 'What is known of honest outputs, model by model' },
  },
]

/** What only the page has beside the commands: the map, prices and earnings over time. */
export const overviewRoutes: GatewayPlugin = (app, { node, clock }) => {
  app.route({
    ...{ method: 'GET', url: '/api/map', config: { needs: 'look' } },
    schema: { summary: 'The network around this node, for a map', tags: ['network'] },
    handler: async () => mapView(node),
  })
  app.route({
    ...{ method: 'GET', url: '/api/prices', config: { needs: 'look' } },
    schema: {
      ...{ summary: 'Prices over time', tags: ['market'] },
      querystring: z.strictObject({ model: model.optional(), span: span.optional() }),
    },
    handler: async ({ query }) => pricesView(node, { model: query.model ?? null, span: query.span ?? null }),
  })
  app.route({
    ...{ method: 'GET', url: '/api/earnings', config: { needs: 'look' } },
    schema: {
      ...{ summary: 'What the node has earned over time, by its receipts', tags: ['money'] },
      querystring: z.strictObject({ span: z.enum(EARNING_SPANS).default('7d') }),
    },
    handler: async request => {
      assertOwners(principalOf(request))
      return earningsView(node, request.query.span, clock.nowMs())
    },
  })
}

/** Where the node lives is its owner's business; an address of a chain may hold a key to it. */
export function publicStatus({ dataDir: _, pid: __, chain, ...status }: StatusView) {
  return { ...status, chain: { ...chain, url: isPlainUrl(chain.url) ? chain.url : '' } }
}

function isPlainUrl(url: string): boolean {
  const parsed = URL.parse(url)
  return (
    parsed !== null && parsed.username + parsed.password + parsed.search === '' && parsed.pathname === '/'
  )
}

function publicMarket({ models, more, offers }: MarketView) {
  return { models, more, offers }
}
