import { expect, test } from "vitest";
import { renderHazardReference } from "./reference.ts";
import { HAZARDS } from "./registry.ts";

test("the page has every hazard, and every hazard says all it should", () => {
  const page = renderHazardReference();
  for (const [id, hazard] of Object.entries(HAZARDS)) {
    expect(page).toContain(`## \`${id}\``);
    expect(id.split("").every((letter) => letter === "-" || (letter >= "a" && letter <= "z"))).toBe(true);
    for (const text of [hazard.title, hazard.why, hazard.fix]) expect(text.length).toBeGreaterThan(10);
  }
});
