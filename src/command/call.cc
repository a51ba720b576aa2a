#include <skein/command/call.h>

#include <skein/base/text.h>

namespace skein {

void tell_owed_removals(KeyspaceContext& context, EffectSink& effects) {
  auto& owed = context.owed_removals;
  if (owed.empty()) [[likely]] return;
  for (const auto& [db, key] : owed) {
    const std::string_view removal[] = {"DEL", key};
    effects.add(db, removal);
  }
  owed.clear();
}

std::optional<std::int64_t> Call::integer(std::size_t position, std::string_view refusal) {
  const auto value = parse_int64(arguments[position]);
  if (!value) reply.error(refusal);
  return value;
}

bool Call::is_word(std::size_t position, std::string_view word) const {
  return equals_ignore_case(arguments[position], word);
}

void Call::propagate(std::initializer_list<std::string_view> effect) {
  propagated = true;
  if (effects == nullptr) return;
  tell_owed_removals(keyspace.context(), *effects);
  effects->add(session.db, {effect.begin(), effect.size()});
}

void Call::suspend(SuspendReason reason) {
  suspended = true;
  session.suspend(reason, command, arguments);
}

}  // namespace skein
