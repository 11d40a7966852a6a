-- What Quarto does with figures, tables, references and page breaks, for plain Pandoc: the same Typst
-- comes out, so the shared partials style both. Quarto itself never runs this filter.

local words = { fig = "Figure", tbl = "Table" }

local function raw(text) return pandoc.RawBlock("typst", text) end

local function quoted(text) return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"') .. '"' end

local function read_words(meta)
  for kind in pairs(words) do
    local given = meta.crossref and meta.crossref[kind .. "-title"]
    if given then words[kind] = pandoc.utils.stringify(given) end
  end
end

local function float(kind, position, id, content, caption)
  local out = pandoc.Blocks({ raw("#figure([") })
  out:extend(content)
  out:insert(raw("], caption: figure.caption(position: " .. position .. ", ["))
  out:extend(caption)
  out:insert(raw(']), kind: "quarto-float-' .. kind .. '", supplement: ' .. quoted(words[kind]) .. ")\n<" .. id .. ">"))
  return out
end

local function Figure(figure)
  if not figure.identifier:match("^fig%-") then return nil end
  local image
  figure:walk({ Image = function(found) image = found end })
  local width = image.attributes.width and ", width: " .. image.attributes.width or ""
  local alt = image.attributes["fig-alt"] and ", alt: " .. quoted(image.attributes["fig-alt"]) or ""
  local content = { raw("#box(image(" .. quoted(image.src) .. alt .. width .. "))") }
  return float("fig", "bottom", figure.identifier, content, figure.caption.long)
end

local function Table(tbl)
  if not tbl.identifier:match("^tbl%-") then return nil end
  local id, caption = tbl.identifier, tbl.caption.long
  local widths = tbl.attributes["tbl-colwidths"]
  if widths then
    local index = 0
    for width in widths:gmatch("[%d.]+") do
      index = index + 1
      if tbl.colspecs[index] then tbl.colspecs[index][2] = tonumber(width) / 100 end
    end
    if index ~= #tbl.colspecs then
      error("table " .. id .. " has " .. #tbl.colspecs .. " columns, but tbl-colwidths gives " .. index .. " widths", 0)
    end
  end
  tbl.caption.long = {}
  tbl.attr = pandoc.Attr("", { "typst:no-figure" })
  return float("tbl", "top", id, { tbl }, caption)
end

local function Cite(cite)
  local out = pandoc.Inlines({})
  for _, citation in ipairs(cite.citations) do
    local kind = citation.id:match("^(%a+)%-")
    if not words[kind] then return nil end
    if #out > 0 then out:insert(pandoc.Str(", ")) end
    out:insert(pandoc.RawInline("typst", "#ref(<" .. citation.id .. ">, supplement: [" .. words[kind] .. "])"))
  end
  return out
end

local function Para(para)
  if pandoc.utils.stringify(para):match("^{{< *pagebreak *>}}$") then return raw("#pagebreak()") end
end

return { { Meta = read_words }, { Figure = Figure, Table = Table, Cite = Cite, Para = Para } }
