import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createApp } from 'vue'
import { Ticks } from '../Ticks.jsx'
import VueTicks from '../Ticks.vue'

createRoot(document.querySelector('#react')).render(
  <StrictMode>
    <Ticks />
  </StrictMode>,
)
createApp(VueTicks).mount('#vue')
