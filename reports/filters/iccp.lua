-- The report's own elements, for Quarto and for plain Pandoc alike:
--   ::: {.simulated}   pages it covers are marked in the header
--   ::: {.cards}       the key figures of the summary; each .card has label, value and note
--   ::: {.note}        the note under a table
--   [..]{.unit}        units and reading aid in a caption;  [..]{.origin}  where simulated data is used
-- Other output formats than Typst get the plain content.

local typst = FORMAT:match("typst") ~= nil

local function raw(text) return pandoc.RawBlock("typst", text) end
local function inline(text) return pandoc.RawInline("typst", text) end

local function wrapped(open, blocks, close)
  local out = pandoc.Blocks({ raw(open) })
  out:extend(blocks)
  out:insert(raw(close))
  return out
end

local function simulated(div)
  local out = pandoc.Blocks(div.content)
  -- The chapter's heading starts a new page: the mark begins after it, not on the page before.
  local first = out[1]
  local at = (first and first.t == "Header" and first.level == 1) and 2 or 1
  out:insert(at, raw("#simulated-from"))
  out:insert(raw("#simulated-to"))
  return out
end

local function cards(div)
  local parts = pandoc.Inlines({ inline("#cards(") })
  for _, card in ipairs(div.content) do
    parts:insert(inline("("))
    for _, name in ipairs({ "label", "value", "note" }) do
      parts:insert(inline(name .. ": ["))
      parts:insert(pandoc.Str(card.attributes[name] or ""))
      parts:insert(inline("], "))
    end
    parts:insert(inline("), "))
  end
  parts:insert(inline(")"))
  return pandoc.Plain(parts)
end

local function plain_cards(div)
  local rows = pandoc.List()
  for _, card in ipairs(div.content) do
    local a = card.attributes
    rows:insert({ pandoc.Plain({ pandoc.Str(a.label .. ": "), pandoc.Strong(pandoc.Str(a.value)), pandoc.Str(" (" .. a.note .. ")") }) })
  end
  return pandoc.BulletList(rows)
end

function Div(div)
  if div.classes:includes("cards") then
    return typst and cards(div) or plain_cards(div)
  end
  if not typst then return nil end
  if div.classes:includes("simulated") then return simulated(div) end
  if div.classes:includes("note") then return wrapped("#note[", div.content, "]") end
end

function Span(span)
  if not typst then return nil end
  for _, name in ipairs({ "unit", "origin" }) do
    if span.classes:includes(name) then
      local out = pandoc.Inlines({ inline("#" .. name .. "[") })
      out:extend(span.content)
      out:insert(inline("]"))
      return out
    end
  end
end
