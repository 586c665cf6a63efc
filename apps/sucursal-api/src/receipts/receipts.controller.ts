import { Controller, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { receiptPathSchema, receiptQuerySchema, receiptSchema } from '@eco/contracts';
import { Input, operation, Operation, problem, respond, type HttpResponse, type InputOf } from '@eco/service';
import type { Receipt } from '@eco/till';
import { readsBranch, worksAtTill } from '../till/policies.js';
import { formatOf, receiptTypes, type ReceiptFormat } from './receipt-format.js';
import { PrinterError } from './receipt-printer.js';
import { Receipts } from './receipts.js';
import { receiptEscPos, receiptSvg, receiptText, type PaperStyle } from './render-receipt.js';

const readReceipt = operation({
  id: 'getReceipt',
  summary: 'A receipt, as JSON, text, image or printer commands',
  description:
    'Chosen by `Accept`: `application/json`, `text/plain`, `image/svg+xml`, or `application/octet-stream` for ESC/POS; or by ' +
    '`format`. The id of a back-order gives its slip.',
  access: readsBranch,
  path: receiptPathSchema,
  query: receiptQuerySchema,
  headers: z.object({
    accept: z.string().max(1000, 'must be at most 1000 characters').optional(),
  }),
  answers: {
    200: {
      description: 'The receipt',
      body: receiptSchema,
      alsoAs: {
        'text/plain': 'For a printer of text, or for people',
        'image/svg+xml': 'An image',
        'application/octet-stream': 'ESC/POS commands of a receipt printer',
      },
    },
  },
  problems: ['receipt-unknown'],
});

const printReceipt = operation({
  id: 'printReceipt',
  summary: 'Print a receipt again, marked as a copy',
  description: 'On the printer of `ECO_PRINTER`. The receipt of a new sale is printed by itself.',
  access: worksAtTill,
  path: receiptPathSchema,
  answers: { 200: { description: 'Printed', body: receiptSchema } },
  problems: ['receipt-unknown', 'no-printer', 'printer-away'],
});

const presentations: Record<ReceiptFormat, (receipt: Receipt, style: PaperStyle) => unknown> = {
  json: (receipt) => receipt,
  text: receiptText,
  svg: receiptSvg,
  escpos: receiptEscPos,
};

@ApiTags('receipts')
@Controller('receipts')
export class ReceiptsController {
  constructor(private readonly receipts: Receipts) {}

  @Get(':number')
  @Operation(readReceipt)
  read(@Input(readReceipt) { path, query, headers }: InputOf<typeof readReceipt>): HttpResponse {
    const receipt = this.receipts.find(path.number, { isCopy: query.copy === 'true' });
    if (receipt === undefined) throw problem('receipt-unknown');
    const format = query.format ?? formatOf(headers.accept);
    const body = presentations[format](receipt, this.receipts.style);
    return respond(200, body, { 'Content-Type': receiptTypes[format] });
  }

  @Post(':number/print')
  @Operation(printReceipt)
  async print(@Input(printReceipt) { path }: InputOf<typeof printReceipt>): Promise<HttpResponse> {
    const receipt = this.receipts.find(path.number, { isCopy: true });
    if (receipt === undefined) throw problem('receipt-unknown');
    const { printer, style } = this.receipts;
    if (printer === undefined) throw problem('no-printer', { detail: 'Set ECO_PRINTER' });
    try {
      await printer.print(receiptEscPos(receipt, style));
    } catch (error) {
      if (!(error instanceof PrinterError)) throw error;
      throw problem('printer-away', { detail: error.message, cause: error });
    }
    return respond(200, receipt);
  }
}
