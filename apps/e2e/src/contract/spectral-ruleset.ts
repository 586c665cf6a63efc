import type { RulesetDefinition } from '@stoplight/spectral-core';
import { oas } from '@stoplight/spectral-rulesets';

/** Rules of Spectral for the OpenAPI documents. Every other rule of `oas` that it recommends is kept. */
export const spectralRuleset: RulesetDefinition = {
  extends: [[oas as RulesetDefinition, 'all']],
  rules: {
    // The chain that runs the system answers questions, not the authors of the document.
    'info-contact': 'off',
    'contact-properties': 'off',
    // The licence has an SPDX identifier (OpenAPI 3.1), which excludes a URL.
    'license-url': 'off',
    // The summary says it, where there is nothing to add.
    'operation-description': 'off',
    // Related operations share a tag; an operation has one.
    'operation-singular-tag': 'error',
  },
};
