// Jobs as lines, their runs as cells, the newest at the right. A click on a cell says which run is meant.
export default {
  template: `
    <div class="grid" role="table" aria-label="Runs of each job">
      <div v-for="line in lines" :key="line.job" class="line" role="row">
        <button type="button" class="open job" @click="$emit('job', line.job)">{{ line.job }}</button>
        <span class="state" :class="line.tone">{{ line.state }}</span>
        <div class="cells" role="cell">
          <button v-for="cell in line.cells" :key="cell.id" type="button" class="cell" :class="cell.tone"
            :title="cell.title" :aria-label="line.job + ' ' + cell.title" @click="$emit('run', cell.id)"></button>
        </div>
      </div>
    </div>`,
  props: { lines: Array },
  emits: ["job", "run"],
};
