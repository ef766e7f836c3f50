import { z } from 'zod'
import { controlMethods } from '../control-api.ts'
import type { ControlRoute } from './control-routes.ts'

const empty = z.strictObject({})

/** What operators do to the node. Commands that read or write files of the node's machine are not among them. */
export const OPERATE_ROUTES: readonly ControlRoute[] = [
  {
    ...{ method: 'POST', url: '/api/settle', control: 'settle', needs: 'operate', tag: 'money' },
    summary: 'Claim on chain what was earned',
  },
  {
    ...{ method: 'POST', url: '/api/wallet/withdraw', control: 'withdraw', needs: 'operate', tag: 'money' },
    summary: 'Take credits out of Settlement into the node’s wallet; all, unless an amount is said',
  },
  {
    ...{
      method: 'POST',
      url: '/api/channels/close',
      control: 'closeChannels',
      needs: 'operate',
      tag: 'money',
    },
    summary: 'Close idle channels in which this node pays',
  },
  {
    ...{ method: 'POST', url: '/api/stake/add', control: 'addStake', needs: 'operate', tag: 'money' },
    summary: 'Put credits at stake',
  },
  {
    ...{ method: 'POST', url: '/api/stake/roles', control: 'setRoles', needs: 'operate', tag: 'money' },
    summary: 'Declare the roles of the node',
  },
  {
    ...{ method: 'POST', url: '/api/stake/unbond', control: 'unbond', needs: 'operate', tag: 'money' },
    summary: 'Begin to take credits out of the stake',
  },
  {
    ...{
      method: 'POST',
      url: '/api/stake/cancel',
      control: 'cancelUnbonding',
      needs: 'operate',
      tag: 'money',
    },
    summary: 'Put back at stake what is unbonding',
  },
  {
    ...{
      method: 'POST',
      url: '/api/stake/withdraw',
      control: 'withdrawStake',
      needs: 'operate',
      tag: 'money',
    },
    summary: 'Take out what has unbonded, and bounties',
  },
  {
    ...{ method: 'POST', url: '/api/anchor', control: 'anchor', needs: 'operate', tag: 'trust' },
    summary: 'Anchor on chain what is new in the audit log',
  },
  {
    ...{
      method: 'POST',
      url: '/api/learn/rounds',
      control: 'proposeRound',
      needs: 'operate',
      tag: 'learning',
    },
    summary: 'Propose a round of learning',
    body: controlMethods.proposeRound.omit({ validation: true, general: true }),
  },
  {
    ...{ method: 'POST', url: '/api/learn/rounds/:round/join', control: 'joinRound', needs: 'operate' },
    ...{ tag: 'learning', summary: 'Take part in a round' },
    params: controlMethods.joinRound,
    body: empty,
  },
  {
    ...{ method: 'POST', url: '/api/learn/rollback', control: 'learnRollback', needs: 'operate' },
    ...{ tag: 'learning', summary: 'Go back to a version of an adapter, or to the base alone' },
  },
  {
    ...{ method: 'POST', url: '/api/route/rate', control: 'routeRate', needs: 'operate', tag: 'routing' },
    summary: 'Say how good the answer of a task was',
  },
  {
    ...{ method: 'POST', url: '/api/route/replay', control: 'routeReplay', needs: 'operate', tag: 'routing' },
    summary: 'Evaluate another policy on what has been logged',
  },
  {
    ...{ method: 'POST', url: '/api/route/forget', control: 'routePolicy', needs: 'operate', tag: 'routing' },
    ...{ summary: 'Forget what routing has learned', body: empty, fixed: { forget: true } },
  },
  {
    ...{ method: 'POST', url: '/api/disputes', control: 'openDispute', needs: 'operate', tag: 'trust' },
    summary: 'Take the provider of a receipt to court',
  },
  {
    ...{
      method: 'POST',
      url: '/api/disputes/appeal',
      control: 'appealDispute',
      needs: 'operate',
      tag: 'trust',
    },
    summary: 'Appeal against a verdict',
  },
  {
    ...{ method: 'POST', url: '/api/disputes/withdraw', control: 'withdrawFromCourt', needs: 'operate' },
    ...{ tag: 'trust', summary: 'Take out what the court owes this node' },
  },
  {
    ...{
      method: 'POST',
      url: '/api/tasks/:taskId/cancel',
      control: 'cancel',
      needs: 'operate',
      tag: 'tasks',
    },
    summary: 'End a running task of this node, whoever asked for it',
    params: controlMethods.cancel,
    body: empty,
  },
  {
    ...{ method: 'POST', url: '/api/stop', control: 'stop', needs: 'administer', tag: 'node' },
    summary: 'Stop the node',
  },
]
