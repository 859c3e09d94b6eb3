/**
 * What reading one untrusted text comes to. A reader of text returns this instead of throwing, so that a caller cannot
 * forget the refusal, and so that every defect of a file can be collected before anything is said.
 */
export type Parsed<T> =
  | { readonly kind: "ok"; readonly value: T }
  | {
      readonly kind: "refused";
      /** What is wrong, without a subject: "has no unit", "is longer than 253 characters". */
      readonly reason: string;
      /** What to write instead; empty where the reason already says it. */
      readonly hint: string;
    };

export function accepted<T>(value: T): Parsed<T> {
  return { kind: "ok", value };
}

export function refused(reason: string, hint = ""): Parsed<never> {
  return { kind: "refused", reason, hint };
}
