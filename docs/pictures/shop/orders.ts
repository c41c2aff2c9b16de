export const total = 17
