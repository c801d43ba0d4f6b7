// What an audit has measured, cell by cell: one model, one way of an attack, one seed. Finished
// cells are files, so that an audit that was stopped goes on where it was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/core/manifest.h"

namespace unlearn::run {

// One model's values at one moment; higher = more knowledge. A row of a diverged model is NaN.
struct Measured {
  std::map<std::string, std::map<int64_t, double>> metrics;  // name -> row -> value
  std::optional<double> utility;
  std::optional<double> tasks;  // mean share of right answers of the tasks that are asked
};

struct CellPoint {
  int64_t step = 0;  // of training; samples k; 0: the attack has no curve
  Measured measured;
};

struct Cell {
  std::optional<Measured> before;  // none: the model's baseline
  std::vector<CellPoint> points;   // the last one is the result
  std::string failure;             // "the training diverged …"; then there may be no point
  Json extra = Json::object();     // of a baseline: what is reported of it besides; depth.h
};

Json cell_json(const Cell& cell);
Cell cell_of_json(const Json& json);

class CellStore {
 public:
  explicit CellStore(OwnFolder& folder) : folder_(folder) {}
  // None when it is not finished, and (with a warning) when it was changed since.
  std::optional<Cell> find(const std::string& key) const;
  // `of`: what was measured, for whoever reads the file.
  void put(const std::string& key, const Cell& cell, const Json& of);

 private:
  static std::string name_of(const std::string& key) { return "cells/" + key + ".json"; }
  OwnFolder& folder_;
};

}  // namespace unlearn::run
