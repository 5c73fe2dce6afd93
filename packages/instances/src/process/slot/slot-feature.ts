import type { Feature } from "@constellation/contract";
import type { SlotStock } from "./slot-stock.ts";

/** What `doctor` says about slots. @param counts starts so far, by the way they took */
export function slotFeature(
  stock: SlotStock | null,
  { slot, cold }: { readonly slot: number; readonly cold: number },
): Feature {
  const name = "driver.slots";
  if (stock === null)
    return {
      name,
      state: "missing",
      detail: "every start is cold: none may wait, or the daemon is not root",
      remedy: null,
    };
  const detail = `${stock.waiting} wait; ${slot} of ${slot + cold} programs started in one`;
  if (stock.trouble === null) return { name, state: "available", detail, remedy: null };
  return { name, state: "partial", detail: `${detail}; the last could not be made`, remedy: stock.trouble };
}
