import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { Browser } from './browser.ts'

export interface IdentityProvider {
  issuer: string
  /** Signs somebody in there, from the page that the browser was sent to; where it is sent back to, not yet asked for. */
  signIn(browser: Browser, url: string, login: string): Promise<string>
  stop(): Promise<void>
}

/** A real identity provider on loopback that takes anybody at their word. */
export async function startIdentityProvider(client: {
  id: string
  secret: string
  redirectUri: string
}): Promise<IdentityProvider> {
  const { Provider } = await import('oidc-provider')
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const provider = new Provider(issuer, {
    // What it would warn of, were it left out.
    adapter: MemoryAdapter,
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kty: 'RSA', use: 'sig', alg: 'RS256' }] },
    ttl: { Interaction: 60, Grant: 60, Session: 60, AccessToken: 60, IdToken: 60, AuthorizationCode: 60 },
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [client.redirectUri],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    cookies: { keys: ['of a test'] },
    pkce: { required: () => true },
    scopes: ['openid', 'profile', 'email'],
    claims: { openid: ['sub'], email: ['email'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@provider.example` }),
    }),
    // Nobody is asked what the node may know of them.
    loadExistingGrant: async context => {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client!.clientId,
        accountId: context.oidc.session!.accountId!,
      })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
  })
  const callback = provider.callback()
  server.on('request', (request, response) => {
    const login = new URL(request.url ?? '/', issuer).searchParams.get('login')
    if (!request.url?.startsWith('/interaction/') || login === null) {
      void callback(request, response)
      return
    }
    void provider.interactionFinished(request, response, { login: { accountId: login } })
  })
  return {
    issuer,
    signIn: async (browser, url, login) => {
      const isLoginPage = (at: string) => at.includes('/interaction/')
      const { url: page } = await browser.open(url, { stopAt: isLoginPage })
      const isBack = (at: string) => at.startsWith(client.redirectUri)
      return (await browser.open(`${page}?login=${login}`, { stopAt: isBack })).url
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** Keeps what the provider has to remember, in memory. */
class MemoryAdapter implements Adapter {
  readonly #records = new Map<string, AdapterPayload>()

  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    this.#records.set(id, payload)
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#records.get(id)
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return [...this.#records.values()].find(record => record.uid === uid)
  }

  async findByUserCode(): Promise<undefined> {}

  async consume(id: string): Promise<void> {
    const record = this.#records.get(id)
    if (record !== undefined) record.consumed = Math.floor(Date.now() / 1_000)
  }

  async destroy(id: string): Promise<void> {
    this.#records.delete(id)
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [id, record] of this.#records) if (record.grantId === grantId) this.#records.delete(id)
  }
}
