import { useEffect, useMemo, useRef, useState } from 'react'
import { Link, navigate, useRoute } from '../../app/router.tsx'
import { useResource } from '../../data/resource.ts'
import { can, useSession } from '../../data/session.ts'
import { useStore } from '../../data/store.ts'
import { Button, IconButton } from '../../design/button.tsx'
import { AskAgain } from './ask-again.tsx'
import { Canvas, MAX_PANES, type Pane } from './canvas.tsx'
import { Composer, type ModelChoice } from './composer.tsx'
import { Drawer } from './drawer.tsx'
import { AskSession } from './model/ask-session.ts'
import { isRunning, type Message, pathOf, siblingsOf } from './model/conversation.ts'
import { ConversationDb } from './model/conversation-db.ts'
import { loadMarkdown } from './rich-text.tsx'
import { Thread } from './thread.tsx'
import type { TurnActions } from './turn.tsx'
import { Welcome } from './welcome.tsx'
import './ask.css'

/** Of each tenant one, for as long as the page is open: answers go on while another page is looked at. */
const sessions = new Map<string, AskSession>()

function sessionOf(tenant: string): AskSession {
  let session = sessions.get(tenant)
  if (session === undefined) {
    session = new AskSession({ tenant }, { db: new ConversationDb() })
    sessions.set(tenant, session)
    void session.load()
  }
  return session
}

export default function AskPage() {
  const { connection, me } = useSession()
  const session = sessionOf(me?.tenant ?? 'nobody')
  const { conversation, tip, list, isKept } = useStore(session.state)
  const models = useModels()
  const [panes, setPanes] = useState<readonly Pane[] | null>(null)
  const [again, setAgain] = useState<Message | null>(null)
  const drawer = useRef<HTMLDialogElement>(null)
  const input = useRef<HTMLTextAreaElement>(null)
  useAddress(
    session,
    connection !== 'connecting',
    conversation.id,
    Object.keys(conversation.messages).length > 0,
  )

  useEffect(() => {
    const timer = setTimeout(() => void loadMarkdown(), MARKDOWN_AFTER_MS)
    input.current?.focus({ preventScroll: true })
    return () => clearTimeout(timer)
  }, [])

  const path = useMemo(() => pathOf(conversation, tip), [conversation, tip])
  const isBusy = path.some(({ answer }) => isRunning(answer))
  const actions = useActions(session, setPanes, setAgain)
  const obstacle =
    connection === 'lost'
      ? 'The node does not answer. See that it runs: shoal serve.'
      : connection === 'connected' && !can(me, 'infer')
        ? 'Asking takes an account: connect a wallet, or come with the owner’s link.'
        : null

  // biome-ignore lint/correctness/useExhaustiveDependencies: another conversation calls for it
  useEffect(() => setPanes(null), [conversation.id])

  const send = (text: string, attachments: Parameters<AskSession['send']>[1] = []) => {
    session.send(text, attachments)
    input.current?.focus()
  }
  return (
    <div className="ask" data-canvas={panes !== null}>
      <div className="ask-main">
        <header className="ask-head">
          <IconButton label="Conversations" icon="list" onClick={() => drawer.current?.showModal()} />
          <h1>{conversation.title === '' ? 'Ask' : conversation.title}</h1>
          <IconButton label="New conversation" icon="plus" onClick={() => session.create()} />
          <IconButton
            label="Canvas"
            icon="canvas"
            aria-expanded={panes !== null}
            onClick={() => setPanes(panes === null ? [] : null)}
          />
        </header>
        {path.length === 0 ? (
          <section className="thread" aria-label="Beginning">
            <Welcome onStart={text => (obstacle === null ? send(text) : undefined)} />
          </section>
        ) : (
          <Thread
            key={conversation.id}
            path={path}
            siblings={message => siblingsOf(conversation, message)}
            actions={actions}
            isBusy={isBusy}
          />
        )}
        {tip === null ? null : (
          <p className="branching" role="status">
            Your next question branches off here.{' '}
            <Button size="s" kind="quiet" onClick={() => session.branch(null)}>
              Go back
            </Button>
          </p>
        )}
        {connection === 'connected' && !can(me, 'infer') ? (
          <p className="branching">
            <Link href="/wallet">Connect a wallet</Link> to ask.
          </p>
        ) : null}
        <Composer
          input={input}
          options={conversation.options}
          models={models}
          isRunning={isBusy}
          obstacle={obstacle}
          onOptions={change => session.setOptions(change)}
          onSend={send}
          onStop={() => session.stop()}
        />
      </div>
      {panes === null ? null : (
        <Canvas
          panes={panes}
          conversation={conversation}
          onClosePane={id => setPanes(now => now?.filter(pane => pane.id !== id) ?? null)}
          onClose={() => setPanes(null)}
        />
      )}
      <Drawer
        dialog={drawer}
        list={list}
        currentId={conversation.id}
        isKept={isKept}
        onOpen={id => {
          drawer.current?.close()
          void session.open(id)
        }}
        onCreate={() => {
          drawer.current?.close()
          session.create()
          input.current?.focus()
        }}
        onRemove={id => void session.remove(id)}
        onClose={() => drawer.current?.close()}
      />
      <AskAgain
        message={again}
        onClose={() => setAgain(null)}
        onRetry={(id, change) => session.retry(id, change)}
      />
    </div>
  )
}

/** The page can be used by then; the first words of an answer come later still. */
const MARKDOWN_AFTER_MS = 300

/** The conversation stands in the address, so that back, forward and a new load find it. */
function useAddress(session: AskSession, isKnown: boolean, id: string, hasMessages: boolean): void {
  const wanted = useRoute().query.get('c')
  const opening = useRef<string | null>(null)
  useEffect(() => {
    if (!isKnown || wanted === null || wanted === session.state.get().conversation.id) return
    opening.current = wanted
    const settle = () => {
      if (opening.current !== wanted) return
      opening.current = null
      if (session.state.get().conversation.id !== wanted) navigate('/', { replace: true })
    }
    session.open(wanted).then(settle, settle)
  }, [wanted, session, isKnown])
  useEffect(() => {
    if (!isKnown || opening.current !== null || location.pathname !== '/') return
    const here = new URLSearchParams(location.search).get('c')
    if (hasMessages && here !== id) navigate(`/?c=${id}`, { replace: here === null })
    else if (!hasMessages && here !== null) navigate('/')
  }, [id, hasMessages, isKnown])
}

/** What can be asked for now, of peers, this node and cloud services alike; those with most providers first. */
function useModels(): ModelChoice[] {
  const known = useResource<ModelList>('/v1/models').data
  return useMemo(
    () =>
      (known?.data ?? [])
        .filter(({ shoal }) => shoal.kinds.includes('chat'))
        .map(({ id, shoal }) => ({ name: id, contextTokens: shoal.contextTokens })),
    [known],
  )
}

interface ModelList {
  data: { id: string; shoal: { kinds: string[]; contextTokens: number } }[]
}

function useActions(
  session: AskSession,
  setPanes: (change: (panes: readonly Pane[] | null) => readonly Pane[]) => void,
  setAgain: (message: Message | null) => void,
): TurnActions {
  return useMemo(() => {
    const open = (pane: Omit<Pane, 'id'>) => {
      void loadMarkdown()
      const id = `${pane.kind} ${pane.messageId} ${pane.code?.index ?? ''}`
      setPanes(now => [...(now ?? []).filter(other => other.id !== id), { id, ...pane }].slice(-MAX_PANES))
    }
    return {
      edit: (id, text) => session.edit(id, text),
      askAgain: id => setAgain(session.state.get().conversation.messages[id] ?? null),
      branch: id => session.branch(id),
      choose: message => session.choose(message),
      openText: messageId => open({ kind: 'text', messageId, code: null }),
      openCode: (messageId, index, language) => open({ kind: 'code', messageId, code: { index, language } }),
      openLog: messageId => open({ kind: 'log', messageId, code: null }),
    }
  }, [session, setPanes, setAgain])
}
