/** Bounds that stand beside the parser they guard; passing one is an error, never a truncation. */
export interface XmlLimits {
  /** Nesting of elements. Namespace look-up is quadratic in it, so the cap is enforced inside the open-tag event. */
  readonly depth: number;
  readonly elements: number;
  readonly attributesPerElement: number;
}

export const DEFAULT_XML_LIMITS: XmlLimits = { depth: 64, elements: 10_000, attributesPerElement: 64 };
