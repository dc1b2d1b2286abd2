export { Ticks as default } from '../Ticks.jsx'
