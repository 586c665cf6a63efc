/** The slot on the primary that keeps the log for this node. Slots have no dashes. */
export function slotName(node: string): string {
  return node.toLowerCase().replace(/[^a-z0-9]/g, '_');
}
