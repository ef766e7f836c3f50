import type { AstNode } from './compiler.ts'

/** The nodes right below, in the order of the text. */
export function childrenOf(node: AstNode): AstNode[] {
  const found: AstNode[] = []
  for (const value of Object.values(node)) {
    for (const item of Array.isArray(value) ? value : [value]) if (isNode(item)) found.push(item)
  }
  return found.sort((a, b) => startOf(a) - startOf(b))
}

/** All nodes, each before those below it. */
export function* walk(node: AstNode): Generator<AstNode> {
  yield node
  for (const child of childrenOf(node)) yield* walk(child)
}

function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'nodeType' in value && 'src' in value
}

/** Byte at which a node's text begins. */
export function startOf({ src }: AstNode): number {
  return Number(src.split(':', 1)[0])
}

/** Byte after a node's text. */
export function endOf({ src }: AstNode): number {
  const [start, length] = src.split(':')
  return Number(start) + Number(length)
}

export function childOf(node: AstNode, field: string): AstNode | undefined {
  const value = node[field]
  return isNode(value) ? value : undefined
}

export function nodesOf(node: AstNode, field: string): AstNode[] {
  const value = node[field]
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** Byte after a statement with its semicolon, which the compiler leaves out of most statements' ranges. */
export function statementEnd(statement: AstNode, text: Buffer): number {
  switch (statement.nodeType) {
    case 'IfStatement':
      return statementEnd((childOf(statement, 'falseBody') ?? childOf(statement, 'trueBody'))!, text)
    case 'ForStatement':
    case 'WhileStatement':
      return statementEnd(childOf(statement, 'body')!, text)
    case 'Block':
    case 'UncheckedBlock':
    case 'TryStatement':
    case 'InlineAssembly':
      return endOf(statement)
  }
  const semicolon = text.indexOf(';', Math.max(startOf(statement), endOf(statement) - 1))
  if (semicolon < 0) throw new Error(`a ${statement.nodeType} without a semicolon`)
  return semicolon + 1
}

/** The bodies of a source's functions and modifiers that have code, with what they are called. */
export function bodiesOf(ast: AstNode): { name: string; definition: AstNode; body: AstNode }[] {
  const bodies = []
  for (const definition of walk(ast)) {
    if (definition.nodeType !== 'FunctionDefinition' && definition.nodeType !== 'ModifierDefinition') continue
    const body = childOf(definition, 'body')
    const name = (definition.name as string) || (definition.kind as string)
    if (body !== undefined) bodies.push({ name, definition, body })
  }
  return bodies
}

/** Turns bytes of a text into its line, from 1. */
export function lineAt(text: Buffer, byte: number): number {
  let line = 1
  for (let at = text.indexOf(10); at >= 0 && at < byte; at = text.indexOf(10, at + 1)) line++
  return line
}
