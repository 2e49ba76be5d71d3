  #if int8
  def prepare_table(self: __torch__.monoquant.Weight) -> NoneType:
    codes, scale, zero = __torch__.monoquant.signed_codes(self.parts, self.codec, self.rows, self.cols)
    codes = torch.to(torch.add(torch.to(codes, 2), 128), 0)
    zero = torch.add(torch.to(zero, 6), 128.)
    self.table = __torch__.monoquant.packed_table(torch.contiguous(codes), scale, zero)
    return None
  #end
  #if timed
  def untimed_embed(self: __torch__.monoquant.Weight,
  #else
  def embed(self: __torch__.monoquant.Weight,
  #end
    indices: Tensor) -> Tensor:
    if self.kept:
      return torch.embedding(self.whole, indices)
    flat = torch.contiguous(torch.reshape(indices, [-1]))
    # Not appended to: the compiler makes a constant of the size of a constant.
    shape = torch.add(torch.size(indices), [self.dims[3]])
    #if int8
    table = self.table
    if table is not None:
      rows = __torch__.monoquant.looked_up(table, flat)
      return torch.to(torch.reshape(rows, shape), self.dtype)
    #end
    chosen = annotate(List[Tensor], [])
    for part in self.parts:
      if part.size(0) == self.rows:
        chosen.append(torch.index_select(part, 0, flat))
      else:
        chosen.append(part)
    rows = __torch__.monoquant.decoded_rows(chosen, self.codec, torch.numel(flat), self.cols)
    return torch.to(torch.reshape(rows, shape), self.dtype)
