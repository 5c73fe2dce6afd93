/** The instance's writable folder. */
export type DataFolder =
  /** A folder of this machine; bounded only when it was limited as a project (project-quota.ts). */
  | { readonly kind: "folder"; readonly source: string; readonly target: string }
  /** A filesystem image whose size is the limit (disk-image.ts). */
  | { readonly kind: "image"; readonly image: string; readonly target: string }
  /** Memory with a size; lost at the end. */
  | { readonly kind: "memory"; readonly bytes: number; readonly target: string };
